"""What becomes of connections: of whatever is spoken over them, and of TLS that is passed on by the name asked for."""
