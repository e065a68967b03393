"""Intents: what a person wants of a mesh, read from files and decided by prediction. No process is started here."""
