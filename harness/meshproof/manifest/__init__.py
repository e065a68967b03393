"""YAML to resources: every value knows its file, line and column, and nothing is dropped in silence."""

from meshproof.manifest.load import load
from meshproof.manifest.resource import Manifests, Notice, Resource, merge
from meshproof.manifest.value import Value

__all__ = ["Manifests", "Notice", "Resource", "Value", "load", "merge"]
