"""Which of a host's files GRUB reads at boot, and what it boots by them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import PurePosixPath

from meshproof.border.facts.boot import BootFacts
from meshproof.targets.hosts.grub.defaults import assignments
from meshproof.targets.hosts.grub.menu import Menu, read

DEFAULTS = "/etc/default/grub"
DEFAULTS_FOLDER = "/etc/default/grub.d"
FOLDERS = ("/boot/grub2", "/boot/grub")
EFI = "/boot/efi/EFI"
ENTRIES = "/boot/loader/entries"
PATTERNS = (
    DEFAULTS, f"{DEFAULTS_FOLDER}/*.cfg", f"{EFI}/*/grub.cfg", f"{EFI}/*/grubenv", f"{ENTRIES}/*.conf",
    *(f"{folder}/{name}" for folder in FOLDERS for name in ("grub.cfg", "grubenv", "custom.cfg")),
)  # fmt: skip
"""The files to read on a host, as shell patterns."""


def boot_facts(files: Mapping[str, str], firmware: str, efibootmgr: str, *, drop_ins: bool) -> BootFacts:
    """The boot loader from its files' texts by their paths; `efibootmgr` is what that command prints (or nothing).

    `drop_ins`: grub-mkconfig of this distribution also sources the files of /etc/default/grub.d.
    """
    assigned = assignments(DEFAULTS, files.get(DEFAULTS, ""))
    if drop_ins:
        for path in sorted(path for path in files if path.startswith(DEFAULTS_FOLDER)):
            assigned += assignments(path, files[path])
    config, doubt = _config(files, firmware, efibootmgr)
    if not config:
        return BootFacts(firmware, assignments=assigned, unseen=doubt)
    config, environment, menu = _followed(files, config, firmware)
    beside = str(PurePosixPath(config).with_name("custom.cfg"))
    doubts = [doubt, menu.next.doubt, f"{beside} is not evaluated" if beside in files else ""]
    following = menu.next.doubting("; ".join(filter(None, doubts)))
    return BootFacts(firmware, config, environment, assigned, menu.configured, menu.saved, menu.entries, following)


def _config(files: Mapping[str, str], firmware: str, efibootmgr: str) -> tuple[str, str]:
    """The configuration that is read first, and a doubt about it (or why there is none)."""
    if firmware == "uefi":
        found = [path for path in files if path.startswith(EFI) and path.endswith("grub.cfg")]
        vendor = first_vendor(efibootmgr)
        named = [path for path in found if PurePosixPath(path).parent.name.lower() == vendor.lower()]
        others = [path for path in found if PurePosixPath(path).parent.name.lower() != "boot"]
        chosen = named or others or found
        if chosen:
            doubt = "the firmware does not say which loader it starts" if not named and len(chosen) > 1 else ""
            return chosen[0], doubt
    found = [f"{folder}/grub.cfg" for folder in FOLDERS if f"{folder}/grub.cfg" in files]
    if not found:
        return "", "no configuration of GRUB can be read"
    return found[0], f"{found[1]} is there as well" if len(found) > 1 else ""


def _followed(files: Mapping[str, str], config: str, firmware: str) -> tuple[str, str, Menu]:
    """The configuration with the menu, after a stub that only names it; its environment block; the menu."""
    entries = {PurePosixPath(path).name: text for path, text in files.items() if path.startswith(ENTRIES)}
    for _ in range(2):
        environment = str(PurePosixPath(config).with_name("grubenv"))
        environment = environment if environment in files else ""
        menu = read(files[config], files.get(environment, ""), entries, firmware)
        if menu.entries or not menu.follows:
            break
        # A stub names it as seen from the partition that it has searched for: /boot's own, or the root's.
        below = menu.follows.rpartition(")")[2]
        following = [path for path in (below, f"/boot{below}") if path in files]
        if not following:
            break
        config = following[0]
    return config, environment, menu


def first_vendor(efibootmgr: str) -> str:
    """The folder below EFI of the loader that the firmware starts next (BootNext, else the first of BootOrder)."""
    following = re.search(r"^BootNext: ([0-9A-Fa-f]{4})", efibootmgr, re.M)
    order = re.search(r"^BootOrder: ([0-9A-Fa-f]{4})", efibootmgr, re.M)
    for number in (following, order):
        if number:
            entry = re.search(rf"^Boot{number[1]}\*?\s.*\\EFI\\([^\\/)]+)\\", efibootmgr, re.M | re.I)
            return entry[1] if entry else ""
    return ""
