"""Prove that a service mesh does what its YAML says."""

__version__ = "0.1.0"
