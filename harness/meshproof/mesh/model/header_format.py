"""Header values that Envoy formats: text with command operators, as in `%REQ(x-user?x-guest):8%`.

Source: https://www.envoyproxy.io/docs/envoy/latest/configuration/advanced/substitution_formatter.
"""

from __future__ import annotations

import re
from functools import lru_cache

from meshproof.records import dataclass

# What a header may be called: RFC 9110, token.
FIELD_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
OPERATOR = re.compile(r"%([A-Z][A-Z0-9_]*)(?:\(([^)]*)\))?(?::([0-9]+))?%")
HEADER = re.compile(r":?[!#$&'*+.^_`|~0-9A-Za-z-]+")
# Those whose outcome is known: a header of the request, and the client's protocol, which is HTTP/1.1 here.
REQUEST_HEADER, PROTOCOL = "REQ", "PROTOCOL"


class NotAFormatError(ValueError):
    """The text is no format that istiod and Envoy take; the message says why."""


@dataclass(frozen=True, slots=True)
class Operator:
    """A command operator; `names` are the headers of REQ, the second for where the first is missing.

    `length` is how many characters are kept at most (None: all).
    """

    command: str
    names: tuple[str, ...] = ()
    length: int | None = None

    @property
    def is_known(self) -> bool:
        """Whether it is known what it gives."""
        return self.command in (REQUEST_HEADER, PROTOCOL)


@lru_cache(maxsize=512)
def operators(text: str) -> tuple[str | Operator, ...]:
    """The parts of a format: plain text, `%%` read as a percent sign, and operators; raises NotAFormatError."""
    parts: list[str | Operator] = []
    at = 0
    while at < len(text):
        if text.startswith("%%", at):
            parts.append("%")
            at += 2
        elif text[at] == "%":
            found = OPERATOR.match(text, at)
            if found is None:
                raise NotAFormatError("has a % in it that begins no command operator of Envoy")
            parts.append(_operator(found))
            at = found.end()
        else:
            end = text.find("%", at)
            parts.append(text[at : end if end >= 0 else len(text)])
            at = end if end >= 0 else len(text)
    return tuple(parts)


def is_known(text: str) -> bool:
    """Whether it is known what a format gives."""
    return all(isinstance(one, str) or one.is_known for one in operators(text))


def _operator(found: re.Match[str]) -> Operator:
    command, argument, length = found.groups()
    if command == PROTOCOL and (argument is not None or length):
        raise NotAFormatError("gives PROTOCOL an argument, and Envoy takes none")
    if command != REQUEST_HEADER:
        return Operator(command)
    names = (argument or "").split("?")
    if len(names) > 2 or not all(HEADER.fullmatch(name) for name in names):
        raise NotAFormatError("has an operator REQ that names no header")
    return Operator(command, tuple(name.lower() for name in names), int(length) if length else None)
