"""Reads a gettext catalogue as it is written (.po): nothing is compiled, and nothing binary is kept or shipped.

The standard library's gettext reads compiled catalogues alone, and click's use of it is the whole process's.
https://www.gnu.org/software/gettext/manual/html_node/PO-Files.html
"""

from __future__ import annotations

import re
from pathlib import Path

FOLDER = Path(__file__).parent / "locale"
NAME = Path("LC_MESSAGES", "meshproof.po")
LINE = re.compile(r'(?:(msgctxt|msgid|msgstr)\s+)?"(.*)"\s*\Z')
ESCAPE = re.compile(r"\\(.)")
ESCAPED = {"n": "\n", "t": "\t", "r": "\r"}


def read(locale: str) -> dict[str, str]:
    """The translation of each text, by `CONTEXT\4TEXT` where it has a context.

    One that is empty, or fuzzy (not yet looked at by a person), is none.
    """
    found: dict[str, str] = {}
    for entry in (FOLDER / locale / NAME).read_text(encoding="utf-8").split("\n\n"):
        text, told = _entry(entry)
        if text and told:
            found[text] = told
    return found


def _entry(entry: str) -> tuple[str, str]:
    parts, part = {"msgctxt": "", "msgid": "", "msgstr": ""}, ""
    for line in entry.splitlines():
        if line.startswith("#,") and "fuzzy" in line:
            return "", ""
        if found := LINE.match(line):
            part = found[1] or part
            parts[part] += ESCAPE.sub(lambda one: ESCAPED.get(one[1], one[1]), found[2])
    context = f"{parts['msgctxt']}\4" if parts["msgctxt"] else ""
    return context + parts["msgid"], parts["msgstr"]
