"""What the guest's disk is made of: Debian's packages, two kernels, and what makes it boot the older one."""

from __future__ import annotations

import hashlib
import re
import subprocess
from pathlib import Path

from meshproof.errors import TargetError

PACKAGES = (
    "curl",
    "dbus",
    "dosfstools",
    "efibootmgr",
    # Debian's own way on UEFI: signed loaders, and a stub on the EFI partition that points to /boot/grub.
    "grub-efi-amd64-bin",
    "grub-efi-amd64-signed",
    "grub-pc",
    "init",
    "initramfs-tools",
    "iproute2",
    # What kube-proxy calls: ipset and iptables in the mode ipvs, nft in nftables.
    "ipset",
    "iptables",
    "ipvsadm",
    "kmod",
    "nftables",
    "openssh-server",
    "procps",
    "python3",
    "shim-signed",
    "sudo",
    "systemd-timesyncd",
    "zstd",
)
MASKED = (
    "apt-daily.timer",
    "apt-daily-upgrade.timer",
    "dpkg-db-backup.timer",
    "e2scrub_all.timer",
    "e2scrub_reap.service",
    "fstrim.timer",
    "systemd-networkd-wait-online.service",
)
# systemd runs its generators together, and ends them all 90 s after it has started them, however far they are. A dozen
# of them take longer than that in an emulator on a busy machine, and then nothing has read /etc/fstab: the root stays
# read-only and /boot empty. None of them is run here: the root is made writable by the kernel's command line, and the
# other partitions are mounted by units of their own.
GENERATORS = "usr/lib/systemd/system-generators"
# One user has sudo, one has not: for tests of a host without root's rights.
USERS = ("deploy", "plain")
BOOT_MIB, ROOT_MIB, EFI_MIB = 320, 2048, 48
# What a saved state of the guest goes on from must be the same machine as the one that it was saved on. One plain
# processor: of several, a busy machine starves one while another waits for it, and newer ones cost more to emulate.
HARDWARE = (
    "-machine", "pc", "-accel", "tcg", "-cpu", "Nehalem", "-smp", "1", "-m", "1024",
    "-display", "none", "-monitor", "none",
)  # fmt: skip
BIOS, UEFI = "bios", "uefi"
FIRMWARE = Path("/usr/share/OVMF")
FIRMWARE_CODE, FIRMWARE_VARIABLES = "OVMF_CODE_4M.fd", "OVMF_VARS_4M.fd"


def _mount(what: str, where: str, kind: str, options: str) -> str:
    """A unit of systemd that mounts a partition at boot."""
    mount = f"[Mount]\nWhat={what}\nWhere={where}\nType={kind}\nOptions={options}\n"
    return f"[Unit]\nBefore=local-fs.target\n{mount}[Install]\nRequiredBy=local-fs.target\n"


EARLY = {
    # Only what boots this guest goes into the initial RAM disk: software emulation unpacks slowly.
    "etc/initramfs-tools/conf.d/guest": "MODULES=list\nCOMPRESS=zstd\n",
    "etc/initramfs-tools/modules": "virtio_pci\nvirtio_blk\next4\n",
}
LATE = {
    "etc/hostname": "guest\n",
    "etc/hosts": "127.0.0.1 localhost\n127.0.1.1 guest\n",
    "etc/fstab": (
        "/dev/vda2 / ext4 rw,noatime 0 1\n"
        "/dev/vda1 /boot ext4 rw,noatime,noauto 0 2\n"
        "/dev/vda3 /boot/efi vfat umask=0077,noauto 0 0\n"
    ),
    "etc/systemd/system/boot.mount": _mount("/dev/vda1", "/boot", "ext4", "rw,noatime"),
    "etc/systemd/system/boot-efi.mount": _mount("/dev/vda3", "/boot/efi", "vfat", "umask=0077"),
    # No unit, and no disk that is waited for, is given up after a minute and a half.
    "etc/systemd/system.conf.d/slow.conf": (
        "[Manager]\nDefaultTimeoutStartSec=30min\nDefaultTimeoutStopSec=10min\nDefaultDeviceTimeoutSec=30min\n"
    ),
    "etc/systemd/network/e.network": "[Match]\nName=e*\n[Network]\nDHCP=ipv4\n",
    "etc/sudoers.d/deploy": "deploy ALL=(ALL) NOPASSWD: ALL\n",
    "etc/default/grub": (
        "GRUB_DEFAULT=saved\n"
        "GRUB_TIMEOUT=0\n"
        "GRUB_DISTRIBUTOR=Debian\n"
        'GRUB_CMDLINE_LINUX_DEFAULT="quiet"\n'
        'GRUB_CMDLINE_LINUX="console=ttyS0 mitigations=off rw"\n'
        "GRUB_TERMINAL=serial\n"
        "GRUB_DISABLE_OS_PROBER=true\n"
    ),
}
# Run in the guest, once, after it was booted without a boot loader; KERNEL is the older one.
INSTALL_GRUB = """\
set -eu
mkfs.vfat /dev/vda3 >/dev/null
mkdir -p /boot/efi
systemctl enable --now boot-efi.mount
grub-install --target=i386-pc /dev/vda
grub-install --target=x86_64-efi --efi-directory=/boot/efi --bootloader-id=debian --no-nvram --force-extra-removable
grub-editenv /boot/grub/grubenv create
update-grub
submenu=$(sed -n "s/^submenu .*menuentry_id_option '\\([^']*\\)'.*/\\1/p" /boot/grub/grub.cfg)
entry=$(sed -n "s/.*menuentry_id_option '\\(gnulinux-KERNEL-advanced-[^']*\\)'.*/\\1/p" /boot/grub/grub.cfg)
test -n "$submenu" && test -n "$entry"
grub-set-default "$submenu>$entry"
sync
"""
# Run in the guest when it has come up by UEFI for the first time: its boot entry is registered with the firmware.
REGISTER_LOADER = """\
set -eu
efibootmgr -q -c -d /dev/vda -p 3 -L debian -l '\\EFI\\debian\\shimx64.efi'
sync
"""
KERNEL = re.compile(r"linux-image-(\d[^ ]*-cloud-amd64)$")


def kernels() -> tuple[str, str]:
    """The oldest and the newest cloud kernel that APT knows, as `uname -r` prints them; raises TargetError."""
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


def content_key(emulator: str) -> str:
    """A hash of the recipe, of the distribution, and of the emulator's version: another of these, another image."""
    disk = (PACKAGES, MASKED, GENERATORS, USERS, BOOT_MIB, ROOT_MIB, EFI_MIB, EARLY, LATE, INSTALL_GRUB)
    recipe = (disk, HARDWARE, REGISTER_LOADER, emulator)
    return hashlib.sha256(repr(recipe).encode() + Path("/etc/os-release").read_bytes()).hexdigest()[:16]
