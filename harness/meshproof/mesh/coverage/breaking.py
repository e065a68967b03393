"""Texts of rules that Envoy may refuse: with them go the routes of requests that the rules themselves never meet.

What it refuses is found by reading alone (mesh/build, problems `by_envoy`); here it is told in which texts it may be.
Most have nothing of the kind.
"""

from __future__ import annotations

import re

from meshproof.manifest.documents.unread import Unread

# No header of a rule is too long in a text that is shorter.
LONG = 16_384
MAY_BREAK = re.compile(
    r"""
      \\[nr]                                        # the end of a line within double quotes
    | [|>][-+0-9]*[ \t]*(?:\#.*)?$                  # or within a block
    | \n[ \t]*\n[ \t]+[^\s#]                        # or by an empty line
    | tatus["']?[ \t]*:(?![ \t]*[1-5]\d\d[ \t]*(?:[,}#]|$))  # a status that is not plainly of HTTP
    | ''|""                                         # a name of nothing
    | %                                             # an operator in a header
    | \{\d | \\[pPx]                                # an expression of many instructions
    """,
    re.VERBOSE | re.MULTILINE,
)


# One of these stands in whatever it finds: to look for them takes less time.
MARKS = ("\\", "%", "''", '""', "|", ">", "tatus", "regex", "\n\n")


def may_break(one: Unread) -> bool:
    """Whether Envoy may refuse what is made of a VirtualService or a DestinationRule."""
    text = one.text.strip()
    if len(text) >= LONG:
        return True
    bare = text.replace(" ", "").replace("\t", "").replace("\r", "")
    return any(mark in bare for mark in MARKS) and MAY_BREAK.search(text) is not None
