"""A VirtualService's rules as Envoy's routes, one file for each feature."""
