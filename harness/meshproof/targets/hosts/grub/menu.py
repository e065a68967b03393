"""From a boot loader's files to the entry that it boots next.

How GRUB finds its default entry: grub-core/normal/menu.c (get_entry_number, menuentry_eq,
grub_menu_execute_entry) of https://git.savannah.gnu.org/cgit/grub.git
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from meshproof.border.facts.boot import MenuEntry, NextBoot
from meshproof.records import dataclass
from meshproof.targets.hosts.grub import bls as loader
from meshproof.targets.hosts.grub.environment import variables
from meshproof.targets.hosts.grub.machine import Item, run

NUMBER = re.compile(r"\s*(0[xX][0-9a-fA-F]+|[0-9]+)")


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
    entry, how = _choose(booted.items, default)
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


def _choose(items: Sequence[Item], default: str, above: str = "") -> tuple[MenuEntry | None, str]:
    """The entry that GRUB boots by default, and how it is selected."""
    if not items:
        return None, "the menu is empty" if not above else "the submenu is empty"
    wanted, rest = _split(default)
    number, how = _index(items, wanted)
    item = items[number]
    if item.children is not None:
        entry, inner = _choose(item.children, rest, f"{above}{number}>")
        return entry, f"{how}, in its submenu {inner}"
    return MenuEntry(f"{above}{number}", item.title, item.id, item.kernel), how


def _split(default: str) -> tuple[str, str]:
    """The part for this menu and the part for the submenu: `>` separates them, `>>` is a literal `>`."""
    parted = re.match(r"((?:[^>]|>>)*)(?:>(.*))?$", default, re.S)
    assert parted is not None
    return parted[1].replace(">>", ">"), parted[2] or ""


def _index(items: Sequence[Item], wanted: str) -> tuple[int, str]:
    if not wanted:
        return 0, "no default is set, so the first entry"
    # Ids of the Boot Loader Specification may begin with digits, so ids are compared before numbers.
    for number, item in enumerate(items):
        if wanted in (item.id, item.title):
            return number, f"the entry {wanted!r}"
    counted = NUMBER.match(wanted)
    if counted is None:
        return 0, f"there is no entry {wanted!r}, so the first"
    number = int(counted[1], 0 if counted[1][:2].lower() == "0x" else 10)
    if number >= len(items):
        return 0, f"there is no entry number {number}, so the first"
    return number, f"entry number {number}"
