"""Rules, and entries of rules, that no request reaches since an earlier one takes everything they would."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from meshproof.lint.check import Check, Found, Severity
from meshproof.lint.checks.order.entries import entries, hiding
from meshproof.lint.folder import Folder
from meshproof.mesh.model.virtual_service import TcpMatch, TcpRoute
from meshproof.mesh.predict.covering import covers_connections
from meshproof.mesh.predict.mesh_table import Rule


@dataclass(frozen=True, slots=True)
class Connection:
    """One entry of a rule for connections; None matches every one."""

    route: TcpRoute
    match: TcpMatch | None


Hidden = tuple[Rule | Connection, Rule | Connection]
# So many rules for connections of one VirtualService are held against each other.
MOST_CONNECTIONS = 200


def _connections(routes: Sequence[TcpRoute]) -> list[Hidden]:
    """Entries of rules for connections, each with the first one before it that covers it."""
    several = [Connection(route, match) for route in routes for match in route.matches or (None,)][:MOST_CONNECTIONS]
    pairs = [
        (entry, next((by for by in several[:at] if covers_connections(by.match, entry.match)), None))
        for at, entry in enumerate(several)
    ]
    return [(entry, by) for entry, by in pairs if by is not None]


def _hidden(folder: Folder) -> tuple[list[Hidden], list[Hidden]]:
    """Rules none of whose entries is met, and single entries of others, each with what hides it."""
    return folder.mesh.once(("lint", "hidden"), lambda: _search(folder))


def _search(folder: Folder) -> tuple[list[Hidden], list[Hidden]]:
    whole: list[Hidden] = []
    single: list[Hidden] = []
    for one in folder.mesh.virtual_services:
        if one.gateway_api:
            continue
        several = entries(one)
        found = [
            *_connections(one.tcp),
            *_connections(one.tls),
            *((several[at], several[by]) for at, by in hiding(folder, several)),
        ]
        counted = Counter(id(rule.route) for rule, _ in found)
        told: set[int] = set()
        for rule, by in found:
            route = rule.route
            if counted[id(route)] < max(1, len(route.matches)):
                single.append((rule, by))
            elif id(route) not in told:
                told.add(id(route))
                whole.append((rule, by))
    return whole, single


def shadowed(folder: Folder) -> Iterator[Found]:
    """Rules that no request reaches."""
    for rule, by in _hidden(folder)[0]:
        other = (by.match or by.route).location
        place = f"in line {other.line}" if other.file == rule.route.location.file else f"at {other}"
        name = rule.route.name if isinstance(rule, Rule) else ""
        which = f"rule {name}" if name else "this rule"
        takes = "all that it would" if by.match else "every request"
        yield Found(rule.route.location, f"no request reaches {which}: the one {place} takes {takes}", other)


def repeated(folder: Folder) -> Iterator[Found]:
    """Entries of `match` that are never the ones that decide."""
    for rule, by in _hidden(folder)[1]:
        if rule.match is None:
            continue
        other = (by.match or by.route).location
        own = " of the same rule" if by.route is rule.route else ""
        place = f"line {other.line}" if other.file == rule.match.location.file else str(other)
        yield Found(rule.match.location, f"this entry takes nothing that the one in {place}{own} does not take", other)


CHECKS = (
    Check(
        "MP030",
        Severity.WARNING,
        "A rule is shadowed",
        "Move the rule before the one that hides it, or remove it.",
        shadowed,
        ("IST0130", "IST0131"),
    ),
    Check(
        "MP031",
        Severity.INFO,
        "An entry of match is never needed",
        "Remove the entry.",
        repeated,
        ("IST0131",),
    ),
)
