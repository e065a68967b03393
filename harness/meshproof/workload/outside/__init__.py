"""What stands in for hosts outside of the mesh does beside all others: HTTP in TLS."""
