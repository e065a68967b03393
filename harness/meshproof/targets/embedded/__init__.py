"""The embedded mesh: real Envoys on 127.0.0.1."""
