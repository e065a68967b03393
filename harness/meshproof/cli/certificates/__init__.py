"""The commands about certificates: to make one, to check one, to compare two."""
