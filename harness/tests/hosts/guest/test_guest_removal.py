"""A half-made root is deleted without what the package manager had mounted into it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import guest_removal
import pytest
from guest_removal import mounts_below, remove
from meshproof.errors import TargetError


@pytest.fixture
def mounted(tmp_path: Path) -> Iterator[tuple[Path, Path]]:
    """A root into which a folder of the machine's is mounted, and a file of that folder."""
    if os.geteuid() != 0:
        pytest.skip("mounting needs root")
    own, place = tmp_path / "the machine's own", tmp_path / "root" / "dev" / "with space"
    own.mkdir()
    place.mkdir(parents=True)
    (own / "kept").write_text("by others")
    done = subprocess.run(["mount", "--bind", str(own), str(place)], capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"nothing can be mounted here: {done.stderr.strip()}")
    try:
        yield tmp_path / "root", own / "kept"
    finally:
        subprocess.run(["umount", str(place)], capture_output=True)


def test_what_is_mounted_there_outlives_it(mounted: tuple[Path, Path]) -> None:
    root, kept = mounted
    assert mounts_below(root) == [root / "dev" / "with space"]
    assert mounts_below(root.parent / "roo") == []
    remove(root)
    assert (root.exists(), kept.read_text()) == (False, "by others")
    remove(root)


def test_nothing_is_deleted_where_something_stays_mounted(
    mounted: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    root, kept = mounted
    monkeypatch.setattr(guest_removal.subprocess, "run", lambda *_, **__: None)
    with pytest.raises(TargetError, match="is still mounted"):
        remove(root)
    assert (root.exists(), kept.read_text()) == (True, "by others")
