"""What is spoken over a connection instead of HTTP/1.1, told by its first bytes."""
