"""Two Debian file systems made by mmdebstrap: what pods stand on, and what a node is."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import click
from airgap.command import run
from airgap.step import Lab, Step

SUITE = "bookworm"  # its systemd still boots on cgroup v1, and its Python is 3.11
SECONDS = 1800.0
POD_PACKAGES = (
    "ca-certificates",
    "conntrack",
    "ipset",
    "iproute2",
    "iptables",
    "kmod",
    "nftables",
    "python3",
    "procps",
)
NODE_PACKAGES = (
    "bash",
    "ca-certificates",
    "conntrack",
    "containerd",
    "containernetworking-plugins",
    "curl",
    "dbus",
    "ebtables",
    "ethtool",
    "gettext-base",
    "hostname",
    "ipset",
    "iproute2",
    "iptables",
    "iputils-ping",
    "jq",
    "kmod",
    "libseccomp2",
    "mount",
    "nftables",
    # A host is reached by ssh; its sshd is started where that is wanted.
    "openssh-server",
    "procps",
    "rsync",
    "runc",
    "socat",
    "systemd",
    "systemd-sysv",
    "util-linux",
)


def root(name: str, packages: Sequence[str], *extra: str) -> Step:
    def make(lab: Lab, target: Path) -> None:
        if shutil.which("mmdebstrap") is None:
            raise click.ClickException("mmdebstrap is not installed: apt-get install mmdebstrap")
        run(
            [
                "mmdebstrap",
                "--variant=minbase",
                "--format=tar",
                *extra,
                f"--include={','.join(packages)}",
                SUITE,
                target,
            ],
            log=lab.log(name),
            seconds=SECONDS,
        )

    return Step(name, f"{SUITE} {packages} {extra}", make)


# Documentation is of no use in a pod; licences stay.
LEAN = (
    "--dpkgopt=path-exclude=/usr/share/man/*",
    "--dpkgopt=path-exclude=/usr/share/locale/*",
    "--dpkgopt=path-exclude=/usr/share/doc/*",
    "--dpkgopt=path-include=/usr/share/doc/*/copyright",
)
pod_root = root("pod-root", POD_PACKAGES, *LEAN)
# As kind's own image: of what the packages enable at boot only what a node needs stays.
QUIET = (
    '--customize-hook=rm -f "$1"/etc/systemd/system/*.wants/* "$1"/lib/systemd/system/multi-user.target.wants/*',
    '--customize-hook=rm -f "$1"/lib/systemd/system/local-fs.target.wants/*',
    '--customize-hook=rm -f "$1"/lib/systemd/system/basic.target.wants/*',
    '--customize-hook=rm -f "$1"/lib/systemd/system/sockets.target.wants/*udev*',
    '--customize-hook=rm -f "$1"/lib/systemd/system/sysinit.target.wants/systemd-tmpfiles-setup.service',
)
node_root = root("node-root", NODE_PACKAGES, *LEAN, *QUIET)
