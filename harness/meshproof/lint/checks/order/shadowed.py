"""Rules, and entries of rules, that no request reaches since an earlier one takes everything they would."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from meshproof.errors import Location
from meshproof.lint.check import Check, Found, Severity
from meshproof.lint.checks.order.entries import Connection, Entry, entries, hiding
from meshproof.lint.checks.order.merged import met_at_gateways
from meshproof.lint.folder import Folder
from meshproof.mesh.model.index import grouped
from meshproof.mesh.model.virtual_service import TcpRoute, VirtualService
from meshproof.mesh.predict.covering import covers_connections
from meshproof.mesh.predict.entries import Rule
from meshproof.records import dataclass

# So many rules for connections of one VirtualService are held against each other.
MOST_CONNECTIONS = 200


@dataclass(frozen=True, slots=True)
class Hidden:
    """What is hidden at a place by an entry; `name` is the rule's own, if it has one."""

    place: Location
    by: Entry
    name: str = ""
    same_rule: bool = False


def _connections(routes: Sequence[TcpRoute]) -> Iterator[tuple[Entry, Entry | None]]:
    """Entries of rules for connections, each with the first one before it that covers it."""
    several = [Connection(route, match) for route in routes for match in route.matches or (None,)][:MOST_CONNECTIONS]
    for at, entry in enumerate(several):
        yield entry, next((by for by in several[:at] if covers_connections(by.match, entry.match)), None)


def _requests(folder: Folder, one: VirtualService) -> Iterator[tuple[Entry, Entry | None]]:
    several = entries(one)
    hidden = dict(hiding(folder, several))
    for at, entry in enumerate(several):
        yield entry, several[hidden[at]] if at in hidden else None


def _hidden(folder: Folder) -> tuple[list[Hidden], list[Hidden]]:
    """Rules none of whose entries is met, and single entries of others, each with what hides it."""
    return folder.mesh.once(("lint", "hidden"), lambda: _search(folder))


def _search(folder: Folder) -> tuple[list[Hidden], list[Hidden]]:
    several = [
        [*_connections(one.tcp), *_connections(one.tls), *_requests(folder, one)]
        for one in folder.mesh.virtual_services
        if not one.gateway_api
    ]
    whole: dict[Location, Hidden] = {}
    for own in several:
        # A rule that delegates is hidden where all of the delegate's rules are.
        whole |= _throughout(own, lambda entry: _root(entry) or entry.route.location)
    every = [pair for own in several for pair in own if _root(pair[0]) not in whole]
    # A delegate's rule is, where it is by each rule that delegates to it.
    whole |= _throughout(every, lambda entry: entry.route.location)
    merged = [pair for pair in met_at_gateways(folder) if _root(pair[0]) not in whole]
    whole = {**_throughout(merged, lambda entry: entry.route.location), **whole}
    left = [pair for pair in every if pair[0].route.location not in whole and pair[0].match]
    single = _throughout(left, lambda entry: (entry.match or entry.route).location)
    others = [pair for pair in merged if pair[0].route.location not in whole and pair[0].match]
    single = {**_throughout(others, lambda entry: (entry.match or entry.route).location), **single}
    return [*whole.values()], [*single.values()]


def _root(entry: Entry) -> Location | None:
    """The rule that delegates to the one of an entry."""
    return entry.route.root if isinstance(entry, Rule) else None


def _throughout(
    several: Sequence[tuple[Entry, Entry | None]], place: Callable[[Entry], Location]
) -> dict[Location, Hidden]:
    """The places all of whose entries are hidden, each with what hides the first of them."""
    found: dict[Location, Hidden] = {}
    for where, pairs in grouped((place(pair[0]), pair) for pair in several).items():
        (entry, by), *_ = pairs
        if by is not None and all(one is not None for _, one in pairs):
            name = entry.route.name if isinstance(entry, Rule) and where == entry.route.location else ""
            found[where] = Hidden(where, by, name, by.route is entry.route)
    return found


def _place(of: Location, beside: Location) -> str:
    return f"line {of.line}" if of.file == beside.file else str(of)


def shadowed(folder: Folder) -> Iterator[Found]:
    """Rules that no request reaches."""
    for one in _hidden(folder)[0]:
        other = (one.by.match or one.by.route).location
        which = f"rule {one.name}" if one.name else "this rule"
        takes = "all that it would" if one.by.match else "every request"
        where = f"in {_place(other, one.place)}" if other.file == one.place.file else f"at {other}"
        yield Found(one.place, f"no request reaches {which}: the one {where} takes {takes}", other)


def repeated(folder: Folder) -> Iterator[Found]:
    """Entries of `match` that are never the ones that decide."""
    for one in _hidden(folder)[1]:
        other = (one.by.match or one.by.route).location
        place = _place(other, one.place)
        text = f"no request reaches this entry: the one in {place} takes all that it would"
        if one.same_rule:
            text = f"this entry takes nothing that the one in {place} of the same rule does not take"
        yield Found(one.place, text, other)


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
