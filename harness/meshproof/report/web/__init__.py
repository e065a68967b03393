"""A run as a browser watches it, on 127.0.0.1."""
