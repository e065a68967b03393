"""Removing a root that a package manager has worked in, without what was mounted there."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from meshproof.errors import TargetError

MOUNTS = Path("/proc/self/mountinfo")


def remove(folder: Path) -> None:
    """Delete a folder, whether it exists or not; raises TargetError where something stays mounted in it.

    mmdebstrap mounts the machine's own /dev/shm, /sys and more into the root that it fills, and leaves them there
    when it is killed: to delete through them would delete what is the machine's.
    """
    for mounted in reversed(mounts_below(folder)):
        subprocess.run(["umount", str(mounted)], capture_output=True, timeout=30)
    if left := mounts_below(folder):
        raise TargetError(f"{folder} is not deleted: {left[0]} is still mounted", f"look: umount {left[0]}")
    shutil.rmtree(folder, ignore_errors=True)


def mounts_below(folder: Path) -> list[Path]:
    """What is mounted in a folder, in the order in which it was."""
    # Its fifth field is the place, with \040 and the like for spaces.
    places = (line.split(" ")[4] for line in MOUNTS.read_text().splitlines())
    real = folder.resolve()
    found = (Path(place.encode().decode("unicode_escape")) for place in places)
    return [place for place in found if place == real or real in place.parents]
