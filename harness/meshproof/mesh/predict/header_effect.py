"""What header changes come to, once those of a route and of its destination are applied.

With one destination its changes follow the route's; with several Envoy applies the drawn
destination's first, then the route's. What is removed is removed before anything is set, and what is
set is set before anything is added, whichever of the two asks for it. Values are what Envoy makes of their formats
(proxy/changes.py).
Source: https://istio.io/latest/docs/reference/config/networking/virtual-service/#Headers and Envoy's
HeaderParser.
"""

from __future__ import annotations

from collections.abc import Sequence

from meshproof.border.expectation import HeaderExpectation
from meshproof.mesh.model.virtual_service import HeaderChange

AUTHORITY = ("host", ":authority")


class Untold(str):
    """A format of which it is not known what Envoy makes of it, in the place of a header's value."""

    __slots__ = ()


def effect(stages: Sequence[Sequence[HeaderChange]]) -> HeaderExpectation:
    """The outcome of stages applied one after the other; the changes within one remove together, then set, then add."""
    known: dict[str, list[str]] = {}
    added: dict[str, list[str]] = {}
    for stage in stages:
        for change in stage:
            for name in change.remove:
                if not _internal(name):
                    known[name] = []
                    added.pop(name, None)
        for change in stage:
            for name, value in change.set:
                if not _internal(name):
                    known[name] = [value]
                    added.pop(name, None)
        for change in stage:
            for name, value in change.add:
                if not _internal(name):
                    (known[name] if name in known else added.setdefault(name, [])).append(value)
    every = [(name, value) for several in (known, added) for name, values in several.items() for value in values]
    untold = {name: value for name, value in every if isinstance(value, Untold)}
    return HeaderExpectation(
        exact=tuple((name, value) for name, values in known.items() for value in values if name not in untold),
        added=tuple((name, value) for name, values in added.items() for value in values if name not in untold),
        absent=tuple(name for name, values in known.items() if not values and name not in untold),
        untold=tuple((name, str(value)) for name, value in untold.items()),
    )


def with_exact(expected: HeaderExpectation, *pairs: tuple[str, str]) -> HeaderExpectation:
    """The same, with these names overwritten."""
    names = {name for name, _ in pairs}
    return HeaderExpectation(
        tuple(pair for pair in expected.exact if pair[0] not in names) + pairs,
        tuple(pair for pair in expected.added if pair[0] not in names),
        tuple(name for name in expected.absent if name not in names),
        tuple(pair for pair in expected.untold if pair[0] not in names),
    )


def authority(change: HeaderChange) -> str:
    """The Host that request header changes set, '' for none; set goes before add."""
    return next((value for name, value in change.set + change.add if name in AUTHORITY), "")


def _internal(name: str) -> bool:
    return name.startswith(":") or name == "host"
