"""Child processes and folders that never outlive their owner, and children whose last words are kept."""

from meshproof.process.child import Child, spawn
from meshproof.process.folder import OwnedFolder

__all__ = ["Child", "OwnedFolder", "spawn"]
