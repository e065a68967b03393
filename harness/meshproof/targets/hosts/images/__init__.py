"""Images of a bundle, pushed to a private registry and verified there."""
