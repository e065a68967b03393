"""The listeners of Gateways and ListenerSets, and of which namespaces they take routes."""
