"""Intents: written from a folder, and held against it."""
