"""Child processes and folders that never outlive their owner, and children whose last words are kept."""

from meshproof.process.child import Child, spawn
from meshproof.process.command import Ended, call, run
from meshproof.process.folder import OwnedFolder
from meshproof.process.locked import run_directory
from meshproof.process.share import Share
from meshproof.process.turn import Turn
from meshproof.process.will import LastWill

__all__ = [
    "Child",
    "Ended",
    "LastWill",
    "OwnedFolder",
    "Share",
    "Turn",
    "call",
    "run",
    "run_directory",
    "spawn",
]
