"""Child processes that never outlive their owner and whose last words are kept."""

from meshproof.process.child import Child, spawn

__all__ = ["Child", "spawn"]
