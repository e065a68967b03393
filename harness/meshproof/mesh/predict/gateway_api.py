"""Of the rules of several HTTPRoutes the most specific one decides, whatever their order.

Source: https://gateway-api.sigs.k8s.io/reference/spec/#httprouterule (matches). Where istiod differs, it counts: among
paths it has any regular expression after any prefix, `/` included.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cmp_to_key

from meshproof.mesh.model.virtual_service import HttpRoute, MatchKind, RouteMatch

Entry = tuple[HttpRoute, RouteMatch | None]

# The kinds of a path condition, the most specific first.
PATHS = ((MatchKind.EXACT,), (MatchKind.PATH_PREFIX, MatchKind.PREFIX), (MatchKind.REGEX,))


def in_order(entries: Iterable[Entry]) -> list[Entry]:
    """The entries as they are tried; those that are equally specific stay as they are: the oldest route's first."""
    return sorted(entries, key=cmp_to_key(_compared))


def _compared(one: Entry, other: Entry) -> int:
    """Below 0 where the first comes first."""
    here, there = one[1], other[1]
    if here is None or there is None:
        return (here is None) - (there is None)
    for ours, theirs in (
        (-_path_kind(here), -_path_kind(there)),
        (_path_length(here), _path_length(there)),
        (here.method is not None, there.method is not None),
        (len(here.headers), len(there.headers)),
        (len(here.query_params), len(there.query_params)),
    ):
        if ours != theirs:
            return -1 if ours > theirs else 1
    return 0


def _path_kind(match: RouteMatch) -> int:
    """The place of its path condition among the kinds; without one it comes last."""
    kind = match.uri.kind if match.uri else None
    return next((place for place, kinds in enumerate(PATHS) if kind in kinds), len(PATHS))


def _path_length(match: RouteMatch) -> int:
    return len(match.uri.value.encode()) if match.uri else 0
