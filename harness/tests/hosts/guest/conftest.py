"""A real machine for the tests: a guest in qemu that runs the older of its two kernels."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from meshproof.process import OwnedFolder

sys.path.insert(0, str(Path(__file__).parent))

from guest_image import Image, cached, lacking, lacking_to_make, only_one
from guest_machine import Guest, started
from guest_making import make
from guest_recipe import BIOS

WANTED = "MESHPROOF_HOSTS_VM"


@pytest.fixture(scope="session")
def guest_image() -> Iterator[Image]:
    """The disk image, made if it is not cached; one session of tests at a time uses it."""
    if not os.environ.get(WANTED):
        pytest.skip(f"a guest takes minutes: tox -e hosts-vm (or {WANTED}=1)")
    if reason := lacking():
        pytest.skip(reason)
    if cached() is None and (reason := lacking_to_make()):
        pytest.skip(reason)
    with only_one("guest"):
        yield cached() or make()


@pytest.fixture(scope="module")
def firmware() -> str:
    """The firmware of the guest; a module that needs another one overrides this fixture."""
    return BIOS


@pytest.fixture(scope="module")
def guest(guest_image: Image, firmware: str) -> Iterator[Guest]:
    """A guest of the module's own, just booted; changes to it are lost with it."""
    folder = OwnedFolder.make("mp-")
    try:
        disk = folder.path / "disk.qcow2"
        base = ["-F", "qcow2", "-b", str(guest_image.disk(firmware))]
        subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", *base, str(disk)], check=True, timeout=60)
        flash = guest_image.flash(firmware)
        if flash:
            flash = (flash[0], Path(shutil.copy(flash[1], folder.path)))
        state = guest_image.state(firmware)
        with started(disk, guest_image.key, guest_image.host_key, folder.path, state=state, flash=flash) as running:
            yield running
    finally:
        folder.remove()
