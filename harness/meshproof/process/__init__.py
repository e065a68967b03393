"""Child processes and folders that end with this process, locks between processes, and cleanup after its death."""

from meshproof.process.child import Child, spawn
from meshproof.process.cleanup_on_death import CleanupOnDeath
from meshproof.process.command import Ended, call, run
from meshproof.process.file_lock import run_directory
from meshproof.process.folder import OwnedFolder
from meshproof.process.run_lock import RunLock
from meshproof.process.share import Share
from meshproof.process.surroundings import NOTHING, Surroundings
from meshproof.process.turn import Limit

__all__ = [
    "NOTHING",
    "Child",
    "CleanupOnDeath",
    "Ended",
    "Limit",
    "OwnedFolder",
    "RunLock",
    "Share",
    "Surroundings",
    "call",
    "run",
    "run_directory",
    "spawn",
]
