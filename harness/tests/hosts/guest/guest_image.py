"""The guest's disk image as it is kept: where it stands, and what a machine lacks to boot it."""

from __future__ import annotations

import fcntl
import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from guest_recipe import FIRMWARE, FIRMWARE_CODE, FIRMWARE_VARIABLES, UEFI, content_key

EMULATOR = "qemu-system-x86_64"
TO_BOOT = (EMULATOR, "qemu-img", "ssh")
TO_MAKE = ("mmdebstrap", "mke2fs", "sfdisk", "ssh-keygen", "apt-cache")
DEBIAN = "apt-get install qemu-system-x86 qemu-utils mmdebstrap e2fsprogs fdisk openssh-client ovmf"
# The exit code of this file as a program, where there is no guest to boot: its last line says why.
NO_GUEST = 5


@dataclass(frozen=True, slots=True)
class Image:
    """A disk whose boot loader starts the older of its two kernels, by BIOS and by UEFI, and the keys that open it."""

    folder: Path
    older: str
    newer: str
    seconds: dict[str, float]

    def disk(self, firmware: str) -> Path:
        """The disk as it is where the saved state goes on."""
        return self.folder / f"disk.{firmware}.qcow2"

    def state(self, firmware: str) -> Path:
        """The guest a moment after it was booted, to go on from."""
        return self.folder / f"state.{firmware}"

    def flash(self, firmware: str) -> tuple[Path, Path] | None:
        """UEFI's code and its variables; None for BIOS, which qemu brings."""
        return (self.folder / FIRMWARE_CODE, self.folder / FIRMWARE_VARIABLES) if firmware == UEFI else None

    @property
    def key(self) -> Path:
        return self.folder / "id"

    @property
    def host_key(self) -> str:
        """Type and key, as known_hosts has them after the host's name."""
        return " ".join((self.folder / "host.pub").read_text().split()[:2])


def cache() -> Path:
    """Where images are kept."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "meshproof" / "guests"


def place() -> Path:
    """Where the image of this recipe stands once it is made; the emulator must be there."""
    version = subprocess.run([EMULATOR, "--version"], capture_output=True, text=True, timeout=60, check=True).stdout
    return cache() / content_key(version)


def cached() -> Image | None:
    """The image of this recipe, if it was made before; the emulator must be there."""
    folder = place()
    try:
        facts = json.loads((folder / "image.json").read_text())
    except FileNotFoundError:
        return None
    return Image(folder, **facts)


def lacking() -> str:
    """What this machine lacks to boot a guest, as a sentence; empty when nothing."""
    if platform.machine() != "x86_64" or sys.platform != "linux":
        return "the guest is an x86_64 machine on Linux"
    return _not_found(TO_BOOT)


def lacking_to_make() -> str:
    """What this machine lacks to make the image, as a sentence; empty when nothing."""
    if os.geteuid() != 0:
        return "making the guest's image needs root"
    absent = [name for name in (FIRMWARE_CODE, FIRMWARE_VARIABLES) if not (FIRMWARE / name).is_file()]
    return _not_found(TO_MAKE) or (f"{', '.join(absent)} not found ({DEBIAN})" if absent else "")


def _not_found(programs: tuple[str, ...]) -> str:
    missing = [name for name in programs if not shutil.which(name)]
    return f"{', '.join(missing)} not found ({DEBIAN})" if missing else ""


@contextmanager
def only_one(name: str) -> Iterator[None]:
    """One process at a time: a guest takes all that a small machine has."""
    cache().mkdir(parents=True, exist_ok=True)
    with (cache() / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _told() -> int:
    """For scripts: 0 when a guest can be booted from an image that is there, else the reason and NO_GUEST."""
    reason = lacking()
    if not reason and cached() is None:
        reason = "no image of it is cached (tox -e hosts-vm makes it)"
    if reason:
        print(reason)
    return NO_GUEST if reason else 0


if __name__ == "__main__":
    sys.exit(_told())
