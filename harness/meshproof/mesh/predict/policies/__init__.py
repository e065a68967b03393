"""Which DestinationRules count for a client, and the policy that they make for a destination."""
