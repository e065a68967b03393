"""Intents held against manifests by prediction, and proved on a mesh."""
