"""The desired state of every host after `hosts prepare`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from meshproof.border.inventory import HostEntry
from meshproof.records import dataclass
from meshproof.targets.hosts.bundle.package import Package
from meshproof.targets.hosts.grub.bls import compare


@dataclass(frozen=True, slots=True)
class DesiredState:
    """`packages` bring the kernel; `istioctl` is the program to put on PATH; `allow_reboot` is the user's consent."""

    packages: tuple[Package, ...] = ()
    istioctl: Path | None = None
    istioctl_sha256: str = ""
    allow_reboot: bool = False


def newest(releases: Sequence[str]) -> str:
    """The newest of some kernel releases, empty for none."""
    best = ""
    for release in releases:
        if not best or compare(release, best) > 0:
            best = release
    return best


def satisfies(release: str, expected: str) -> bool:
    """Whether a kernel is what the inventory expects: a release, the beginning of one, or `>=4.19`."""
    least = re.fullmatch(r">=\s*(\d+(?:\.\d+)*)", expected)
    if least:
        numbers = [int(number) for number in re.findall(r"\d+", release.partition("-")[0])]
        return numbers >= [int(number) for number in least[1].split(".")]
    return release == expected or re.match(rf"{re.escape(expected)}(?![0-9])", release) is not None


def wanted_kernel(entry: HostEntry, desired: DesiredState, installed: Sequence[str]) -> str:
    """The release that is to run; empty when none is specified, or no installed kernel fits."""
    brought = newest([package.kernel for package in desired.packages if package.kernel])
    if brought or not entry.expect.kernel:
        return brought
    return newest([release for release in installed if satisfies(release, entry.expect.kernel)])
