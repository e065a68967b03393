"""NetworkPolicies: what they let through costs no proof."""
