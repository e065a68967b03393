"""A real machine for the tests: a guest in qemu that runs the older of its two kernels."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from meshproof.process import OwnedFolder

sys.path.insert(0, str(Path(__file__).parent))

from guest_image import Image, cached, lacking, make, only_one
from guest_machine import Guest, started

WANTED = "MESHPROOF_HOSTS_VM"


@pytest.fixture(scope="session")
def guest_image() -> Iterator[Image]:
    """The disk image, made if it is not cached; one session of tests at a time uses it."""
    if not os.environ.get(WANTED):
        pytest.skip(f"a guest takes minutes: tox -e hosts-vm (or {WANTED}=1)")
    if reason := lacking(make=cached() is None):
        pytest.skip(reason)
    with only_one("guest"):
        yield cached() or make()


@pytest.fixture(scope="module")
def guest(guest_image: Image) -> Iterator[Guest]:
    """A guest of the module's own, as a machine that has just been booted; what is done to it goes with it."""
    folder = OwnedFolder.make("mp-")
    try:
        disk = folder.path / "disk.qcow2"
        base = ["-F", "qcow2", "-b", str(guest_image.disk)]
        subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", *base, str(disk)], check=True, timeout=60)
        with started(disk, guest_image.key, guest_image.host_key, folder.path, state=guest_image.state) as running:
            yield running
    finally:
        folder.remove()
