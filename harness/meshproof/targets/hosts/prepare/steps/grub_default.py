"""`GRUB_DEFAULT` as grub-mkconfig reads it: of several assignments the last one wins.

grub-mkconfig sources /etc/default/grub with a shell, and Debian's then each /etc/default/grub.d/*.cfg in order. A
line `GRUB_DEFAULT=0` before `GRUB_DEFAULT=saved` has no effect.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from meshproof.border.facts.boot import Assignment
from meshproof.records import dataclass
from meshproof.targets.hosts.grub.defaults import assignments

MAIN = "/etc/default/grub"


@dataclass(frozen=True, slots=True)
class DefaultFile:
    """One file that grub-mkconfig sources, in its order."""

    path: str
    text: str


def with_default(files: Sequence[DefaultFile], value: str) -> DefaultFile | None:
    """The one file to write so that the last assignment is `value`; None when it is already.

    Other lines are not changed. The new line goes directly below the last assignment; an equal line further up in
    the same file, which had no effect, is moved and not duplicated.
    """
    made = [one for file in files for one in assignments(file.path, file.text)]
    if made and made[-1].value == value:
        return None
    main = next((file for file in files if file.path == MAIN), DefaultFile(MAIN, ""))
    if made and made[-1].file != MAIN:
        return _below(made[-1].file, next(file for file in files if file.path == made[-1].file), made, value)
    return _below(MAIN, main, made, value)


def _below(path: str, file: DefaultFile, made: Sequence[Assignment], value: str) -> DefaultFile:
    lines = file.text.split("\n")
    ending = "\r" if lines[0].endswith("\r") else ""
    own = [one for one in made if one.file == path]
    if not own:
        if lines[-1] == "":
            lines.pop()
        return DefaultFile(path, "\n".join([*lines, f"GRUB_DEFAULT={_quoted(value)}{ending}", ""]))
    if lines[own[-1].line - 1][:1].isspace():
        # Indented, so perhaps inside of a condition: the new line goes to the end of the file.
        lines = "\n".join(lines).rstrip("\n").split("\n")
        own[-1] = replace(own[-1], line=len(lines))
    at = own[-1].line
    while lines[at - 1].rstrip("\r").endswith("\\") and at < len(lines):
        at += 1
    lines.insert(at, f"GRUB_DEFAULT={_quoted(value)}{ending}")
    stale = {one.line - 1 for one in own[:-1] if one.value == value}
    kept = [line for number, line in enumerate(lines) if number not in stale]
    text = "\n".join(kept)
    return DefaultFile(path, text if text.endswith("\n") else text + "\n")


def _quoted(value: str) -> str:
    return value if re.fullmatch(r"[A-Za-z0-9_.-]+", value) else f'"{value}"'
