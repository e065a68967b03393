"""Envoy processes: the program, its static configuration, its admin page."""
