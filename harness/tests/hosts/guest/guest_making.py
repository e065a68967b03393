"""The guest's disk image: made once from Debian's packages, then kept."""

from __future__ import annotations

import json
import platform
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from guest_image import Image, cache, place
from guest_machine import started
from guest_recipe import (
    BIOS,
    BOOT_MIB,
    EARLY,
    EFI_MIB,
    FIRMWARE,
    FIRMWARE_CODE,
    FIRMWARE_VARIABLES,
    GENERATORS,
    INSTALL_GRUB,
    LATE,
    MASKED,
    PACKAGES,
    REGISTER_LOADER,
    ROOT_MIB,
    UEFI,
    USERS,
    kernels,
)
from guest_removal import remove
from meshproof.errors import TargetError

MIB = 1 << 20
# A lower priority, because making an image runs beside tests with time limits.
GENTLY = ("nice", "-n", "10")
BASE = "disk.qcow2"


def make() -> Image:
    """Make the image of this recipe; raises TargetError."""
    older, newer = kernels()
    folder = place()
    work = cache() / f"{folder.name}.new"
    remove(work)
    work.mkdir(parents=True, mode=0o700)
    seconds: dict[str, float] = {}
    image = Image(work, older, newer, seconds)
    try:
        for name in ("id", "host"):
            _run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", f"guest-{name}", "-f", str(work / name), limit=30)
        for name in (FIRMWARE_CODE, FIRMWARE_VARIABLES):
            shutil.copy(FIRMWARE / name, work / name)
        with _timed(seconds, "packages"):
            _install_packages(work, older, newer)
        with _timed(seconds, "disk"):
            _make_disk(work)
        with _timed(seconds, "boot loader"):
            _install_boot_loader(image)
        for firmware in (BIOS, UEFI):
            with _timed(seconds, f"first boot by {firmware}"):
                _keep_booted(image, firmware)
        for name in ("root", "boot", "early"):
            remove(work / name)
        (work / "image.json").write_text(json.dumps({k: v for k, v in asdict(image).items() if k != "folder"}))
        remove(folder)
        work.rename(folder)
    finally:
        remove(work)
    return Image(folder, older, newer, seconds)


def _install_packages(work: Path, older: str, newer: str) -> None:
    root, early = work / "root", work / "early"
    for name, text in EARLY.items():
        _write(early / name, text)
    codename = platform.freedesktop_os_release()["VERSION_CODENAME"]
    include = ",".join((*PACKAGES, f"linux-image-{older}", f"linux-image-{newer}"))
    excluded = [f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in ("doc", "man", "locale", "info")]
    command = ["mmdebstrap", "--mode=root", "--variant=apt", "--format=directory", f"--include={include}", *excluded]
    # Written first: the settings of the initial RAM disk are needed when the kernels are installed.
    command += ["--dpkgopt=force-confold", f"--essential-hook=sync-in {early} /"]
    _run(*GENTLY, *command, codename, str(root), limit=3600)
    for name, text in LATE.items():
        _write(root / name, text)
    (root / "etc/sudoers.d/deploy").chmod(0o440)
    _chroot(root, "systemctl", "enable", "systemd-networkd", "ssh", "boot.mount")
    _chroot(root, "systemctl", "mask", *MASKED)
    for generator in (root / GENERATORS).iterdir():
        _write(root / "etc/systemd/system-generators" / generator.name, "")
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
    """One disk with an MBR: /boot first, then the root, then EFI's partition; no loop device and no mount."""
    disk, root = work / "disk.raw", work / "root"
    with disk.open("wb") as file:
        file.truncate((1 + BOOT_MIB + ROOT_MIB + EFI_MIB) * MIB)
    table = f"label: dos\nstart=1MiB, size={BOOT_MIB}MiB, type=83, bootable\n"
    table += f"start={1 + BOOT_MIB}MiB, size={ROOT_MIB}MiB, type=83\nstart={1 + BOOT_MIB + ROOT_MIB}MiB, type=ef\n"
    _run("sfdisk", "--quiet", str(disk), limit=60, stdin=table)
    (root / "boot").rename(work / "boot")
    (root / "boot").mkdir()
    for source, start, size in ((work / "boot", 1, BOOT_MIB), (root, 1 + BOOT_MIB, ROOT_MIB)):
        command = ["mke2fs", "-q", "-F", "-t", "ext4", "-E", f"offset={start * MIB}", "-d", str(source)]
        _run(*GENTLY, *command, str(disk), f"{size}M", limit=300)


def _install_boot_loader(image: Image) -> None:
    """Boot the disk once without a boot loader, and let its own tools install one, as on a real machine."""
    kernel = [str(image.folder / "boot" / f"{name}-{image.older}") for name in ("vmlinuz", "initrd.img")]
    append = "root=/dev/vda2 rw console=ttyS0 mitigations=off"
    direct = ("-kernel", kernel[0], "-initrd", kernel[1], "-append", append)
    base = image.folder / BASE
    _run("qemu-img", "convert", "-O", "qcow2", str(image.folder / "disk.raw"), str(base), limit=300)
    (image.folder / "disk.raw").unlink()
    with started(base, image.key, image.host_key, image.folder, more=direct) as guest:
        guest.run(INSTALL_GRUB.replace("KERNEL", image.older.replace(".", "[.]")), limit=1200)
        guest.power_off()


def _keep_booted(image: Image, firmware: str) -> None:
    """Boot the disk as a machine does, and keep the state in which it has come up: tests go on from there."""
    disk, flash = image.disk(firmware), image.flash(firmware)
    # The backing file is named relative to this folder, which is renamed in the end.
    command = ["qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", BASE, str(disk)]
    subprocess.run(command, check=True, timeout=60, cwd=image.folder)
    with started(disk, image.key, image.host_key, image.folder, flash=flash) as guest:
        running = guest.run("systemctl is-system-running --wait || systemctl --failed; uname -r", limit=600)
        if running.split() != ["running", image.older]:
            raise TargetError(f"the guest should run {image.older}", running)
        if firmware == UEFI:
            guest.run(REGISTER_LOADER)
        guest.save(image.state(firmware))


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
