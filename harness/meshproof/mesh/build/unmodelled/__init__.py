"""What of the manifests is not in the mesh, and which requests it can touch."""
