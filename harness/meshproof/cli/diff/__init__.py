"""`meshproof diff`: what a change of manifests changes for requests."""

from meshproof.cli.diff.command import diff

__all__ = ["diff"]
