"""BackendTLSPolicies: TLS from proxies to backends, as rules for their hosts."""
