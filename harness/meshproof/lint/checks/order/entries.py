"""The entries of a VirtualService in order, and which of them may hide which, found without comparing all with all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from meshproof.lint.folder import Folder
from meshproof.mesh.model.virtual_service import MatchKind, RouteMatch, TcpMatch, TcpRoute, VirtualService
from meshproof.mesh.predict.covering import covers
from meshproof.mesh.predict.entries import Rule
from meshproof.mesh.requests.overlaps.heads import beginning_of
from meshproof.records import dataclass

Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Connection:
    """One entry of a rule for connections; None matches every one."""

    route: TcpRoute
    match: TcpMatch | None


Entry = Rule | Connection


def entries(one: VirtualService) -> tuple[Rule, ...]:
    """Each entry of `match` with its rule, in the order in which Envoy has them; HTTPRoutes have no order."""
    return tuple(Rule(route, match) for route in one.http for match in route.matches or (None,))


def head_of(rule: Rule) -> str:
    """How the paths of an entry begin, after the slash that all of them begin with."""
    return beginning_of(rule).removeprefix("/")


def hiding(folder: Folder, several: Sequence[Rule]) -> Iterator[tuple[int, int]]:
    """For each entry that is never met the first one before it that takes all it would: (it, the one before)."""
    half = folder.half_read
    index: dict[tuple[str, Key], list[int]] = {}
    for at, rule in enumerate(several):
        head = head_of(rule)
        keys = [("", ""), *_demands(rule.match)]
        tries = (index.get((head[:length], key), ()) for length in range(len(head) + 1) for key in keys)
        hidden = (number for found in tries for number in found if covers(several[number].match, rule.match))
        first = min(hidden, default=None)
        if first is not None:
            yield at, first
        # What is hidden hides nothing that is not hidden already.
        elif rule.route.location not in half and not rule.route.missing:
            key = next(iter(_demands(rule.match)), ("", ""))
            index.setdefault((head, key), []).append(at)


def _demands(match: RouteMatch | None) -> Iterator[Key]:
    """What an entry asks for beside the path: an entry that covers it asks for nothing else."""
    if match is None:
        return
    several = [*match.headers, *((f"?{name}", one) for name, one in match.query_params)]
    several += [(f":{name}", one) for name, one in (("method", match.method), ("authority", match.authority)) if one]
    for name, one in several:
        if one.kind is MatchKind.EXACT:
            yield name, one.value
    for name, _ in several:
        yield name, ""
