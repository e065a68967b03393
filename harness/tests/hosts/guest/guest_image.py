"""The guest's disk image: made once from Debian's packages, then kept."""

from __future__ import annotations

import fcntl
import json
import os
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from guest_machine import started
from guest_recipe import (
    BOOT_MIB,
    EARLY,
    INSTALL_GRUB,
    LATE,
    MASKED,
    PACKAGES,
    ROOT_MIB,
    USERS,
    content_key,
    kernels,
)
from meshproof.errors import TargetError

TO_BOOT = ("qemu-system-x86_64", "qemu-img", "ssh")
TO_MAKE = ("mmdebstrap", "mke2fs", "sfdisk", "ssh-keygen", "apt-cache")
MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Image:
    """A disk whose boot loader starts the older of its two kernels, and the keys that open it."""

    folder: Path
    older: str
    newer: str
    seconds: dict[str, float]

    @property
    def disk(self) -> Path:
        return self.folder / "disk.qcow2"

    @property
    def state(self) -> Path:
        """The guest a moment after it was booted, to go on from."""
        return self.folder / "state"

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


def cached() -> Image | None:
    """The image of this recipe, if it was made before."""
    folder = cache() / content_key()
    try:
        facts = json.loads((folder / "image.json").read_text())
    except OSError:
        return None
    return Image(folder, **facts)


def lacking(*, make: bool) -> str:
    """What this machine lacks to boot a guest (and to make its image), as a sentence; empty when nothing."""
    if platform.machine() != "x86_64" or sys.platform != "linux":
        return "the guest is an x86_64 machine on Linux"
    missing = [name for name in (*TO_BOOT, *(TO_MAKE if make else ())) if not shutil.which(name)]
    if missing:
        return f"{', '.join(missing)} not found (apt-get install qemu-system-x86 qemu-utils mmdebstrap e2fsprogs fdisk)"
    if make and os.geteuid() != 0:
        return "making the guest's image needs root"
    return ""


@contextmanager
def only_one(name: str) -> Iterator[None]:
    """One process at a time: a guest takes all that a small machine has."""
    cache().mkdir(parents=True, exist_ok=True)
    with (cache() / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def make() -> Image:
    """Make the image of this recipe; raises TargetError."""
    older, newer = kernels()
    folder = cache() / content_key()
    work = cache() / f"{content_key()}.{os.getpid()}"
    work.mkdir(parents=True, mode=0o700)
    seconds: dict[str, float] = {}
    try:
        for name in ("id", "host"):
            _run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", f"guest-{name}", "-f", str(work / name), limit=30)
        with _timed(seconds, "packages"):
            _install_packages(work, older, newer)
        with _timed(seconds, "disk"):
            _make_disk(work)
        image = Image(work, older, newer, seconds)
        with _timed(seconds, "boot loader"):
            _install_boot_loader(image)
        with _timed(seconds, "first boot"):
            _keep_booted(image)
        shutil.rmtree(work / "root")
        (work / "image.json").write_text(json.dumps({k: v for k, v in asdict(image).items() if k != "folder"}))
        shutil.rmtree(folder, ignore_errors=True)
        work.rename(folder)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return Image(folder, older, newer, seconds)


def _install_packages(work: Path, older: str, newer: str) -> None:
    root, early = work / "root", work / "early"
    for name, text in EARLY.items():
        _write(early / name, text)
    codename = platform.freedesktop_os_release()["VERSION_CODENAME"]
    include = ",".join((*PACKAGES, f"linux-image-{older}", f"linux-image-{newer}"))
    excluded = [f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in ("doc", "man", "locale", "info")]
    command = ["mmdebstrap", "--mode=root", "--variant=apt", "--format=directory", f"--include={include}", *excluded]
    # What stands there first is kept: the settings of the initial RAM disk are wanted when the kernels come.
    command += ["--dpkgopt=force-confold", f"--essential-hook=sync-in {early} /"]
    _run("nice", "-n", "19", *command, codename, str(root), limit=3600)
    for name, text in LATE.items():
        _write(root / name, text)
    (root / "etc/sudoers.d/deploy").chmod(0o440)
    _chroot(root, "systemctl", "enable", "systemd-networkd", "ssh")
    _chroot(root, "systemctl", "mask", *MASKED)
    for user in USERS:
        _chroot(root, "useradd", "--create-home", "--shell", "/bin/bash", user)
    for home in ("root", *(f"home/{user}" for user in USERS)):
        _write(root / home / ".ssh" / "authorized_keys", (work / "id.pub").read_text())
        _chroot(root, "chown", "-R", "--reference", f"/{home}", f"/{home}/.ssh")
        _chroot(root, "chmod", "-R", "go-rwx", f"/{home}/.ssh")
    for name in (root / "etc/ssh").glob("ssh_host_*"):
        name.unlink()
    shutil.copy(work / "host", root / "etc/ssh/ssh_host_ed25519_key")
    shutil.copy(work / "host.pub", root / "etc/ssh/ssh_host_ed25519_key.pub")


def _make_disk(work: Path) -> None:
    """One disk with an MBR: /boot first, then the root; no loop device and no mount."""
    disk, root = work / "disk.raw", work / "root"
    with disk.open("wb") as file:
        file.truncate((1 + BOOT_MIB + ROOT_MIB) * MIB)
    table = f"label: dos\nstart=1MiB, size={BOOT_MIB}MiB, type=83, bootable\nstart={1 + BOOT_MIB}MiB, type=83\n"
    _run("sfdisk", "--quiet", str(disk), limit=60, stdin=table)
    (root / "boot").rename(work / "boot")
    (root / "boot").mkdir()
    for source, start, size in ((work / "boot", 1, BOOT_MIB), (root, 1 + BOOT_MIB, ROOT_MIB)):
        command = ["mke2fs", "-q", "-F", "-t", "ext4", "-E", f"offset={start * MIB}", "-d", str(source)]
        _run("nice", "-n", "19", *command, str(disk), f"{size}M", limit=300)


def _install_boot_loader(image: Image) -> None:
    """Boot the disk once without a boot loader, and let its own tools install one, as on a real machine."""
    kernel = [str(image.folder / "boot" / f"{name}-{image.older}") for name in ("vmlinuz", "initrd.img")]
    direct = ("-kernel", kernel[0], "-initrd", kernel[1], "-append", "root=/dev/vda2 console=ttyS0 mitigations=off")
    _run("qemu-img", "convert", "-O", "qcow2", str(image.folder / "disk.raw"), str(image.disk), limit=300)
    (image.folder / "disk.raw").unlink()
    with started(image.disk, image.key, image.host_key, image.folder, direct=direct) as guest:
        guest.run(INSTALL_GRUB.replace("KERNEL", image.older.replace(".", "[.]")), limit=600)
        guest.power_off()


def _keep_booted(image: Image) -> None:
    """Boot the disk as a machine does, and keep the state in which it has come up: tests go on from there."""
    with started(image.disk, image.key, image.host_key, image.folder) as guest:
        running = guest.run("systemctl is-system-running --wait || systemctl --failed; uname -r", limit=600)
        if running.split() != ["running", image.older]:
            raise TargetError(f"the guest should run {image.older}", running)
        guest.save(image.state)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def _chroot(root: Path, *command: str) -> None:
    _run("chroot", str(root), *command, limit=60)


def _run(*command: str, limit: float, stdin: str = "") -> None:
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=limit)
    if done.returncode != 0:
        raise TargetError(f"{' '.join(command)[:300]} ended with {done.returncode}", done.stderr[-3000:])


@contextmanager
def _timed(seconds: dict[str, float], step: str) -> Iterator[None]:
    began = time.monotonic()
    yield
    seconds[step] = round(time.monotonic() - began, 1)


if __name__ == "__main__":
    # For scripts: 0 when a guest can be booted from an image that is there.
    sys.exit(lacking(make=False) or (None if cached() else "no image of the guest is cached"))
