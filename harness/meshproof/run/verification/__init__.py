"""A person's own manifests: which checks hold them, and which requests show it."""
