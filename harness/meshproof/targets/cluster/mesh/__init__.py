"""One mesh in a cluster, and what the meshes that follow one another in a namespace share."""
