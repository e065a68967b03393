"""GRUB's environment block: a file of 1024 bytes that grub-set-default and grub-reboot write into.

Format: https://www.gnu.org/software/grub/manual/grub/html_node/Environment-block.html
"""

from __future__ import annotations

import re

SIGNATURE = "# GRUB Environment Block\n"


def variables(block: str) -> dict[str, str]:
    """The variables of a block; none where GRUB itself would refuse it."""
    if not block.startswith(SIGNATURE):
        return {}
    found = {}
    # A backslash keeps the newline or backslash that follows it within the value.
    for line in re.findall(r"(?:\\.|[^\\\n])+", block[len(SIGNATURE) :], re.S):
        name, equals, value = line.partition("=")
        if equals and not name.startswith("#"):
            found[name] = re.sub(r"\\(.)", r"\1", value, flags=re.S)
    return found
