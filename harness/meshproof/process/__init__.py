"""Child processes and folders that never outlive their owner, and children whose last words are kept."""

from meshproof.process.child import Child, spawn
from meshproof.process.command import Ended, call, run
from meshproof.process.file_lock import FileLock
from meshproof.process.folder import OwnedFolder
from meshproof.process.turn import Turn
from meshproof.process.will import LastWill

__all__ = ["Child", "Ended", "FileLock", "LastWill", "OwnedFolder", "Turn", "call", "run", "spawn"]
