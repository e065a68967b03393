"""From a boot loader's files to the entry that it boots next.

How GRUB finds its default entry: grub-core/normal/menu.c (get_entry_number, menuentry_eq,
grub_menu_execute_entry) of https://git.savannah.gnu.org/cgit/grub.git. A number that a default begins with counts
before titles and ids. In the GRUB that has entries of the Boot Loader Specification it does not: their ids begin with
digits, so there ids count first, then titles, and what is a number as a whole at last.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from meshproof.border.facts.boot import MenuEntry, NextBoot
from meshproof.records import dataclass
from meshproof.targets.hosts.grub import bls as loader
from meshproof.targets.hosts.grub.environment import variables
from meshproof.targets.hosts.grub.machine import Item, run

# grub_strtoul without a base, which stops at the first character that is none of the number's.
NUMBER = re.compile(r"\s*(?:0x(?P<hex>[0-9a-fA-F]+)|(?P<octal>0[0-7]+)|(?P<decimal>(?!0x)[0-9]+))")
BY_ID = "blscfg"
"""The command of the GRUB that has such entries."""


@dataclass(frozen=True, slots=True)
class Menu:
    """All entries, what comes next, the `default` as the configuration writes it, and the saved one."""

    entries: tuple[MenuEntry, ...]
    next: NextBoot
    configured: str
    saved: str
    follows: str = ""


def read(config: str, block: str, bls: Mapping[str, str], firmware: str) -> Menu:
    """The menu of a grub.cfg, with its environment block and the texts of its BLS entries by their names."""
    environment = variables(block)
    files = loader.entries(bls)
    booted = run(config, environment, files, firmware)
    lasting = run(config, {name: v for name, v in environment.items() if name != "next_entry"}, files, firmware)
    entries = tuple(_flat(booted.items))
    default = booted.variables.get("default", "")
    entry, how = _choose(booted.items, default, by_id=BY_ID in config)
    once = booted.variables.get("boot_once") == "true" and bool(environment.get("next_entry"))
    following = NextBoot(entry, how, default, once, "; ".join(dict.fromkeys(booted.doubts)))
    return Menu(entries, following, lasting.default_as_written, environment.get("saved_entry", ""), booted.follows)


def _flat(items: Sequence[Item], above: str = "") -> Iterator[MenuEntry]:
    for number, item in enumerate(items):
        position = f"{above}{number}"
        if item.children is None:
            yield MenuEntry(position, item.title, item.id, item.kernel)
        else:
            yield from _flat(item.children, f"{position}>")


def _choose(items: Sequence[Item], default: str, above: str = "", *, by_id: bool) -> tuple[MenuEntry | None, str]:
    """The entry that GRUB boots by default, and how it is selected."""
    if not items:
        return None, "the menu is empty" if not above else "the submenu is empty"
    wanted, rest = _split(default)
    number, how = _index(items, wanted, by_id=by_id)
    item = items[number]
    if item.children is not None:
        entry, inner = _choose(item.children, rest, f"{above}{number}>", by_id=by_id)
        return entry, f"{how}, in its submenu {inner}"
    return MenuEntry(f"{above}{number}", item.title, item.id, item.kernel), how


def _split(default: str) -> tuple[str, str]:
    """The part for this menu and the part for the submenu: `>` separates them, `>>` is a literal `>`."""
    parted = re.match(r"((?:[^>]|>>)*)(?:>(.*))?$", default, re.S)
    assert parted is not None
    return parted[1].replace(">>", ">"), parted[2] or ""


def _index(items: Sequence[Item], wanted: str, *, by_id: bool) -> tuple[int, str]:
    if not wanted:
        return 0, "no default is set, so the first entry"
    counted = NUMBER.match(wanted)
    if counted is None or by_id:
        ids, titles = [one.id for one in items], [one.title for one in items]
        found = [names.index(wanted) for names in (ids, titles) if wanted in names]
        if found:
            return found[0] if by_id else min(found), f"the entry {wanted!r}"
    if counted is None or (by_id and counted.end() < len(wanted)):
        return 0, f"there is no entry {wanted!r}, so the first"
    number = _number(counted)
    if number >= len(items):
        return 0, f"there is no entry number {number}, so the first"
    return number, f"entry number {number}" if counted.end() == len(wanted) else f"entry number {number} of {wanted!r}"


def _number(counted: re.Match[str]) -> int:
    if counted["hex"]:
        return int(counted["hex"], 16)
    return int(counted["octal"], 8) if counted["octal"] else int(counted["decimal"])
