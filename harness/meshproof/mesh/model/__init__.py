"""The frozen model of a mesh, one file for each kind, and how Istio reads names, paths and patterns."""
