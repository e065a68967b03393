"""Istio's releases: which Kubernetes each supports, and what differs between them for this program.

Supported versions: https://istio.io/latest/docs/releases/supported-releases/, and for 1.9 to 1.21 the same page of
their time. Of 1.31 the lowest is the one that its istioctl asks for, the highest what 1.30 names.
"""

from __future__ import annotations

import re

from meshproof.records import dataclass

Minor = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Release:
    """One minor release of Istio; `oldest` and `newest` are the minor versions of Kubernetes that it supports."""

    istio: Minor
    oldest: Minor
    newest: Minor

    @property
    def served(self) -> tuple[str, ...]:
        """The versions of networking.istio.io that its CRDs serve (v1 since 1.22)."""
        return ("v1alpha3", "v1beta1", "v1") if self.istio >= (1, 22) else ("v1alpha3", "v1beta1")

    @property
    def uninstall(self) -> tuple[str, ...]:
        """The command that removes it (outside of the experimental ones since 1.15)."""
        return ("uninstall",) if self.istio >= (1, 15) else ("x", "uninstall")

    def supports(self, kubernetes: Minor) -> bool:
        return self.oldest <= kubernetes <= self.newest


def _release(istio: int, oldest: int, newest: int) -> Release:
    return Release((1, istio), (1, oldest), (1, newest))


RELEASES = (
    _release(9, 17, 20),
    _release(10, 18, 21),
    _release(11, 18, 22),
    _release(12, 19, 22),
    _release(13, 20, 23),
    _release(14, 21, 24),
    _release(15, 22, 25),
    _release(16, 22, 25),
    _release(17, 23, 26),
    _release(18, 24, 27),
    _release(19, 25, 28),
    _release(20, 25, 29),
    _release(21, 26, 29),
    _release(22, 27, 30),
    _release(23, 27, 30),
    _release(24, 28, 31),
    _release(25, 29, 32),
    _release(26, 29, 33),
    _release(27, 29, 33),
    _release(28, 30, 34),
    _release(29, 31, 35),
    _release(30, 32, 36),
    _release(31, 32, 36),
)
OLDEST = RELEASES[0].istio


def minor(version: str) -> Minor | None:
    """(1, 9) of `1.9.5`, `v1.9` or `1.31.0-alpha.2`; None of what is no version."""
    found = re.match(r"v?(\d+)\.(\d+)", version)
    return (int(found[1]), int(found[2])) if found else None


def written(version: Minor) -> str:
    """`1.9` of (1, 9)."""
    return ".".join(map(str, version))


def release(version: str) -> Release | None:
    """The release that a version of Istio belongs to; None when it is not known here."""
    wanted = minor(version)
    return next((one for one in RELEASES if one.istio == wanted), None)


def uninstall(version: str) -> tuple[str, ...]:
    """The command that removes an Istio of that version, known here or newer."""
    known = release(version)
    return known.uninstall if known else RELEASES[-1].uninstall
