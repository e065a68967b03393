"""The command `meshproof`."""

from meshproof.cli.main import main

__all__ = ["main"]
