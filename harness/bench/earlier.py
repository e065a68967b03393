"""The earlier build that ratios are of: pinned, and cloned from this repository's own history."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

COMMIT = "54bdfa8"
LIMIT = 120.0
GIT = shutil.which("git") or "git"
ROOT = Path(__file__).parents[2]


def earlier_build(place: Path) -> Mapping[str, str]:
    """Clone it into that folder; the environment in which `python -m meshproof` is that build."""
    subprocess.run([GIT, "clone", "-q", str(ROOT), str(place)], check=True, timeout=LIMIT)
    subprocess.run([GIT, "-C", str(place), "checkout", "-q", COMMIT], check=True, timeout=LIMIT)
    return {**os.environ, "PYTHONPATH": str(place / "harness")}
