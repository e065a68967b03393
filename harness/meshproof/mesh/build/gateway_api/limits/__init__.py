"""What the API server refuses of routes as a whole, by the published CRDs."""
