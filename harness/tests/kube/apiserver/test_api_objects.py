"""What is held to be refused by the API server, and what is held to be taken, is so."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "manifest/fields"))

from kubernetes_objects import REFUSED, TAKEN

CREATED = ("create", "--dry-run=server", "--validate=strict", "-f", "-")


@pytest.mark.parametrize("name", TAKEN)
def test_what_it_takes(control_plane: Any, name: str) -> None:
    assert "created (server dry run)" in control_plane.kubectl(*CREATED, stdin=TAKEN[name])


@pytest.mark.parametrize("name", REFUSED)
def test_what_it_refuses(control_plane: Any, name: str) -> None:
    said = control_plane.kubectl(*CREATED, stdin=REFUSED[name][0], check=False)
    assert "created" not in said
    # By its own validation, not for a text that nobody can read.
    assert any(words in said for words in ("is invalid", "quantities must match", "cannot be handled"))
