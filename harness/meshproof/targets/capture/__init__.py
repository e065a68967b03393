"""What a live cluster runs, read and never changed."""
