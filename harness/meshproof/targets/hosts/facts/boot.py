"""What the boot loader will boot next."""

from __future__ import annotations

from dataclasses import replace

from meshproof.border.facts.boot import BootFacts
from meshproof.targets.hosts.connection import Connection
from meshproof.targets.hosts.facts.files import read
from meshproof.targets.hosts.grub.locate import PATTERNS, boot_facts

FIRMWARE = "if [ -d /sys/firmware/efi ]; then echo uefi; efibootmgr -v 2>/dev/null; else echo bios; fi; true"


async def boot(connection: Connection, distribution: str, no_root: str = "") -> BootFacts:
    """Read and follow the boot loader's files, which only root may read on most distributions."""
    root = not no_root
    files = await read(connection, PATTERNS, root=root)
    said = (await connection.must(FIRMWARE, root=root, what="asking for the firmware")).decode(errors="replace")
    firmware, _, efibootmgr = said.partition("\n")
    # Only Debian's grub-mkconfig reads /etc/default/grub.d.
    drop_ins = distribution in ("debian", "ubuntu")
    facts = boot_facts(files.texts, firmware.strip(), efibootmgr, drop_ins=drop_ins)
    if files.unreadable and facts.next is None:
        return replace(facts, unseen=f"{files.unreadable[0]} cannot be read: {no_root or 'permission denied'}")
    if facts.unseen and no_root:
        return replace(facts, unseen=f"{facts.unseen}: {no_root}")
    return facts
