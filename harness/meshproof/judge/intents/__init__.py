"""What a person wants of a mesh, judged by what it does."""
