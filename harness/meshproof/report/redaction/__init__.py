"""What is kept out of whatever is written down or said."""
