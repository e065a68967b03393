"""What is drawn of a check, each picture by itself."""
