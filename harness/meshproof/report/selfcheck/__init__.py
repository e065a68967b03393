"""What a self-check found, for people and for programs."""
