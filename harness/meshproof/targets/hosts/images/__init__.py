"""Images of a bundle to a private registry: named, pushed, and held against what really arrived."""
