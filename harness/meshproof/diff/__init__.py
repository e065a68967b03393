"""What a change of manifests changes for requests."""
