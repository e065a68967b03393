"""The assignments of a shell file such as /etc/default/grub, which grub-mkconfig sources from top to bottom."""

from __future__ import annotations

import re
import shlex

from meshproof.border.facts.boot import Assignment

ASSIGNS = re.compile(r"^\s*(?:export\s+)?(?P<name>[A-Za-z_]\w*)=(?P<rest>.*)$")


def assignments(file: str, text: str, name: str = "GRUB_DEFAULT") -> tuple[Assignment, ...]:
    """Each line that sets `name`, in order; the last wins.

    Conditions are not evaluated: a line inside of an `if` counts as if the condition were true.
    """
    found = []
    lines = text.splitlines()
    number = 0
    while number < len(lines):
        first, line = number, lines[number]
        while line.endswith("\\") and number + 1 < len(lines):
            number += 1
            line = line[:-1] + lines[number]
        number += 1
        matched = ASSIGNS.match(line)
        if matched and matched["name"] == name:
            found.append(Assignment(file, first + 1, _value(matched["rest"])))
    return tuple(found)


def _value(rest: str) -> str:
    """The value that a shell would assign, without its quotes."""
    lexer = shlex.shlex(rest, posix=True, punctuation_chars=";&|")
    lexer.whitespace_split = True
    try:
        word = lexer.get_token() or ""
    except ValueError:
        word = rest.strip().strip("'\"")
    # After an empty value the lexer would return the next word of the line.
    return "" if rest[:1] in ("", " ", "\t", ";", "#") else word
