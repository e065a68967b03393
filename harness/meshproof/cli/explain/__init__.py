"""`meshproof explain`: which rule takes a request, and why not the other one."""

from meshproof.cli.explain.command import explain

__all__ = ["explain"]
