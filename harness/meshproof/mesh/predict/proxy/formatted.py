"""What the command operators in a header's value give for one request."""

from __future__ import annotations

from collections.abc import Set

from meshproof.mesh.model.header_format import PROTOCOL, Operator, operators
from meshproof.mesh.predict.proxy.drawn import Drawn
from meshproof.mesh.predict.proxy.seen import Seen

SPOKEN, CALLED = "HTTP/1.1", "HTTP/2"


def formatted(text: str, request: Seen, changed: Set[str]) -> str | None:
    """The value that a format gives for a request; None where it is not known.

    `changed` are the headers that the route changes: whether an operator sees them before or after is not told.
    """
    parts = [one if isinstance(one, str) else _given(one, request, changed) for one in operators(text)]
    return None if None in parts else "".join(part for part in parts if part)


def _given(operator: Operator, request: Seen, changed: Set[str]) -> str | None:
    if operator.command == PROTOCOL:
        return CALLED if request.request.is_call else SPOKEN
    if not operator.names or not changed.isdisjoint(operator.names):
        return None
    for name in operator.names:
        first = next(iter(request.headers.get(name, ())), None)
        if isinstance(first, Drawn):
            return None
        if first is not None:
            return first[: operator.length]
    return ""
