"""The command `meshproof`."""

from meshproof.cli.entry import main

__all__ = ["main"]
