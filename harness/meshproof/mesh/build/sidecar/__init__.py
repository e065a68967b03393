"""Sidecars: what the pods that they select know of the mesh."""
