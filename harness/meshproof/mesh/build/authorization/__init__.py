"""AuthorizationPolicies: what istiod takes, and where the mesh cannot tell what they do."""
