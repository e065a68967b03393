"""The distribution, the kernels, swap, cgroups and the settings of the kernel."""

from __future__ import annotations

import asyncio
import re
import shlex

from meshproof.border.facts.hosts import SystemFacts
from meshproof.targets.hosts.connection import Connection
from meshproof.targets.hosts.facts.files import read

SYSCTLS = ("net.ipv4.ip_forward", "net.bridge.bridge-nf-call-iptables", "net.bridge.bridge-nf-call-ip6tables")
KERNELS = ("vmlinuz-", "vmlinux-")
PROC = "/proc/sys/"


async def root(connection: Connection) -> str:
    """Why commands do not run as root; empty when they do."""
    output = await connection.run("id -u", root=True, what="asking for root's rights")
    if output.ok and output.text.strip() == "0":
        return ""
    if not connection.entry.become:
        return "the user is not root, and the inventory does not say become"
    return f"sudo refused: {(output.stderr or output.text).strip().splitlines()[-1:] or ['no reason given']}".strip(
        "[]'"
    )


async def system(connection: Connection) -> SystemFacts:
    """Facts that every user can read."""
    keys = {name: PROC + name.replace(".", "/") for name in SYSCTLS}
    names = ["/etc/os-release", "/usr/lib/os-release", "/proc/swaps", "/etc/fstab", "/proc/mounts"]
    names += [f"{PROC}kernel/osrelease", f"{PROC}kernel/hostname", *keys.values()]
    files, boot = await asyncio.gather(read(connection, names), connection.run("ls -1 /boot", what="listing /boot"))
    hostname = files.get(f"{PROC}kernel/hostname")
    connection.redaction.learn(connection.entry.label, hostname, hostname.partition(".")[0])
    release = os_release(files.get("/etc/os-release") or files.get("/usr/lib/os-release"))
    return SystemFacts(
        release.get("ID", "unknown"),
        release.get("VERSION_ID", ""),
        release.get("PRETTY_NAME", release.get("ID", "unknown")),
        files.get(f"{PROC}kernel/osrelease"),
        tuple(sorted(installed(boot.text))),
        cgroup(files.get("/proc/mounts")),
        tuple(line.split()[0] for line in files.get("/proc/swaps").splitlines()[1:] if line.split()),
        tuple(swap_entries(files.get("/etc/fstab"))),
        {name: files.get(path) for name, path in keys.items()},
    )


def os_release(text: str) -> dict[str, str]:
    """The variables of an os-release file."""
    found = {}
    for line in text.splitlines():
        name, equals, value = line.strip().partition("=")
        if equals and re.fullmatch(r"[A-Z_][A-Z0-9_]*", name):
            try:
                found[name] = "".join(shlex.split(value)[:1])
            except ValueError:
                found[name] = value
    return found


def installed(listing: str) -> set[str]:
    """The releases of the kernels in a listing of /boot; rescue images are none."""
    names = listing.split()
    releases = {name.removeprefix(prefix) for prefix in KERNELS for name in names if name.startswith(prefix)}
    return {release for release in releases if "rescue" not in release and not release.endswith((".old", ".hmac"))}


def cgroup(mounts: str) -> int:
    """2 where /sys/fs/cgroup itself is of version 2, 1 where controllers are mounted below it, else 0."""
    fields = [line.split() for line in mounts.splitlines()]
    if any(field[1:3] == ["/sys/fs/cgroup", "cgroup2"] for field in fields):
        return 2
    return 1 if any(field[2:3] == ["cgroup"] for field in fields) else 0


def swap_entries(fstab: str) -> list[str]:
    """What an fstab brings back as swap at the next boot."""
    fields = [line.split() for line in fstab.splitlines() if not line.lstrip().startswith("#")]
    return [field[0] for field in fields if field[2:3] == ["swap"] and "noauto" not in "".join(field[3:4]).split(",")]
