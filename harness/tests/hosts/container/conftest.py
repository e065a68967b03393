"""A host in a container that systemd runs: its services have states, unlike those of a plain chroot."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from meshproof.process import OwnedFolder

sys.path.insert(0, str(Path(__file__).parent))

WANTED = "MESHPROOF_HOSTS_CONTAINER"


@pytest.fixture(scope="module")
def box() -> Iterator[object]:
    """A new container, which is removed after the module."""
    if not os.environ.get(WANTED):
        pytest.skip(f"an engine and an image take minutes: tox -e hosts-container (or {WANTED}=1)")
    import container_host

    if reason := container_host.lacking():
        pytest.skip(reason)
    folder = OwnedFolder.make("mp-")
    try:
        with container_host.running(folder.path) as container:
            yield container
    finally:
        folder.remove()
