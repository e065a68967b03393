"""BackendTLSPolicies made wrong."""
