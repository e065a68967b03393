"""What a person wants of a mesh."""
