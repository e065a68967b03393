"""What the guest's disk is made of: Debian's packages, two kernels, and what makes it boot the older one."""

from __future__ import annotations

import hashlib
import re
import subprocess
from pathlib import Path

from meshproof.errors import TargetError

PACKAGES = (
    "ca-certificates",
    "curl",
    "dbus",
    "dnf",
    "docker-registry",
    "grub-pc",
    "init",
    "initramfs-tools",
    "iproute2",
    "ipvsadm",
    "kmod",
    "less",
    "openssh-server",
    "openssl",
    "procps",
    "rpm",
    "skopeo",
    "sudo",
    "systemd-timesyncd",
    "zstd",
)
MASKED = (
    "apt-daily.timer",
    "apt-daily-upgrade.timer",
    "dpkg-db-backup.timer",
    "dnf-makecache.timer",
    "docker-registry.service",
    "e2scrub_all.timer",
    "e2scrub_reap.service",
    "fstrim.timer",
    "systemd-networkd-wait-online.service",
)
# One user may do everything, one may do nothing: what a host without the right to sudo is tried with.
USERS = ("deploy", "plain")
BOOT_MIB, ROOT_MIB = 320, 3072
EARLY = {
    # Only what boots this guest goes into the initial RAM disk: software emulation unpacks slowly.
    "etc/initramfs-tools/conf.d/guest": "MODULES=list\nCOMPRESS=zstd\n",
    "etc/initramfs-tools/modules": "virtio_pci\nvirtio_blk\next4\n",
}
LATE = {
    "etc/hostname": "guest\n",
    "etc/hosts": "127.0.0.1 localhost\n127.0.1.1 guest\n",
    "etc/fstab": "/dev/vda2 / ext4 rw,noatime 0 1\n/dev/vda1 /boot ext4 rw,noatime 0 2\n",
    "etc/systemd/network/e.network": "[Match]\nName=e*\n[Network]\nDHCP=ipv4\n",
    "etc/sudoers.d/deploy": "deploy ALL=(ALL) NOPASSWD: ALL\n",
    "etc/default/grub": (
        "GRUB_DEFAULT=saved\n"
        "GRUB_TIMEOUT=0\n"
        "GRUB_DISTRIBUTOR=Debian\n"
        'GRUB_CMDLINE_LINUX_DEFAULT="quiet"\n'
        'GRUB_CMDLINE_LINUX="console=ttyS0 mitigations=off"\n'
        "GRUB_TERMINAL=serial\n"
        "GRUB_DISABLE_OS_PROBER=true\n"
    ),
}
# Run in the guest, once, after it was booted without a boot loader; KERNEL is the older one.
INSTALL_GRUB = """\
set -eu
grub-install --target=i386-pc /dev/vda
grub-editenv /boot/grub/grubenv create
update-grub
submenu=$(sed -n "s/^submenu .*menuentry_id_option '\\([^']*\\)'.*/\\1/p" /boot/grub/grub.cfg)
entry=$(sed -n "s/.*menuentry_id_option '\\(gnulinux-KERNEL-advanced-[^']*\\)'.*/\\1/p" /boot/grub/grub.cfg)
test -n "$submenu" && test -n "$entry"
grub-set-default "$submenu>$entry"
sync
"""
KERNEL = re.compile(r"linux-image-(\d[^ ]*-cloud-amd64)$")


def kernels() -> tuple[str, str]:
    """The oldest and the newest cloud kernel that APT knows, as `uname -r` tells them; raises TargetError."""
    command = ["apt-cache", "pkgnames", "linux-image-"]
    names = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout.split()
    found = sorted({match[1] for name in names if (match := KERNEL.match(name))}, key=_order)
    if len(found) < 2:
        raise TargetError(
            f"two packages linux-image-*-cloud-amd64 are needed, APT knows {len(found)} (apt-get update?)"
        )
    return found[0], found[-1]


def _order(release: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", release))


def content_key() -> str:
    """A hash of the recipe and of the distribution: another recipe makes another image."""
    recipe = (PACKAGES, MASKED, USERS, BOOT_MIB, ROOT_MIB, EARLY, LATE, INSTALL_GRUB)
    return hashlib.sha256(repr(recipe).encode() + Path("/etc/os-release").read_bytes()).hexdigest()[:16]
