"""AuthorizationPolicies as Envoy's RBAC filters."""
