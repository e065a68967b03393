"""AuthorizationPolicies made wrong."""
