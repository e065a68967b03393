"""Boot Loader Specification entries, the files from which `blscfg` builds a menu.

Specification: https://uapi-group.org/specifications/specs/boot_loader_specification/ ; the order is that of
Fedora's blscfg: by the names of the files as RPM compares versions, the newest first.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping

from meshproof.records import dataclass


@dataclass(frozen=True, slots=True)
class BlsEntry:
    """One file of /boot/loader/entries: its name without `.conf`, and what it boots."""

    id: str
    title: str
    version: str
    linux: str


def entries(files: Mapping[str, str]) -> tuple[BlsEntry, ...]:
    """The entries of these files (text by name), in the order of the menu."""
    found = []
    for name, text in files.items():
        if not name.endswith(".conf"):
            continue
        fields: dict[str, str] = {}
        for line in text.splitlines():
            key, value = (*line.split(None, 1), "", "")[:2]
            if key and not key.startswith("#"):
                fields.setdefault(key, value.strip())
        if "linux" in fields:
            identity = name.removesuffix(".conf")
            found.append(BlsEntry(identity, fields.get("title", identity), fields.get("version", ""), fields["linux"]))
    newest_first = functools.cmp_to_key(compare)
    return tuple(sorted(found, key=lambda one: newest_first(one.id), reverse=True))


def compare(left: str, right: str) -> int:
    """RPM's comparison of two versions: below, at or above 0 as `left` is older, the same or newer."""
    if left == right:
        return 0
    ours, theirs = _segments(left), _segments(right)
    for one, other in zip(ours, theirs, strict=False):
        # A tilde sorts before everything, even the end.
        if "~" in (one, other):
            if one != other:
                return -1 if one == "~" else 1
            continue
        if one.isdigit() != other.isdigit():
            return 1 if one.isdigit() else -1
        if one.isdigit() and int(one) != int(other):
            return 1 if int(one) > int(other) else -1
        if not one.isdigit() and one != other:
            return 1 if one > other else -1
    longer = ours if len(ours) > len(theirs) else theirs
    if len(ours) == len(theirs):
        return 0
    more = 1 if longer is ours else -1
    return -more if longer[min(len(ours), len(theirs))] == "~" else more


def _segments(version: str) -> list[str]:
    return re.findall(r"[0-9]+|[A-Za-z]+|~", version)
