"""The entries of a VirtualService's `match` as they stand for a client, in the order in which they are tried."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from meshproof.errors import Location
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.virtual_service import HttpRoute, MatchKind, RouteMatch, StringMatch, VirtualService
from meshproof.mesh.predict.gateway_api import in_order
from meshproof.mesh.predict.match import Client, Miss, kept_from, meets, path_only
from meshproof.mesh.predict.proxy.seen import Seen
from meshproof.records import dataclass


@dataclass(frozen=True, slots=True)
class Rule:
    """One entry of `match` with the route that it leads to; None matches every request."""

    route: HttpRoute
    match: RouteMatch | None


@dataclass(frozen=True, slots=True)
class Considered:
    """An entry as it stands for a client: `kept_from` it by this condition, or `shadowed` by one that catches all."""

    rule: Rule
    kept_from: Miss | None = None
    shadowed: Rule | None = None


def considered(virtual_service: VirtualService, client: Client) -> Iterator[Considered]:
    """All entries of a VirtualService in the order in which they are tried."""
    entries = [(route, match) for route in virtual_service.http for match in route.matches or (None,)]
    whole: Rule | None = None
    for route, match in in_order(entries) if virtual_service.gateway_api else entries:
        one = Considered(Rule(route, match), kept_from(match, client), whole)
        yield one
        if one.kept_from is None and catches_all(match) and not route.missing:
            whole = whole or one.rule


def rules_of(virtual_service: VirtualService, client: Client) -> tuple[Rule, ...]:
    """Its rules as far as they concern the client, up to the first that catches all."""
    several = considered(virtual_service, client)
    return tuple(one.rule for one in several if one.kept_from is None and one.shadowed is None)


def rules_for(mesh: Mesh, virtual_service: VirtualService, client: Client) -> tuple[Rule, ...]:
    """The same of a VirtualService of the mesh, found once for all requests of such a client."""
    return mesh.once(("predict", "rules", id(virtual_service), client.key), lambda: rules_of(virtual_service, client))


# What begins a regular expression as it stands, and what makes the last of it count otherwise.
LITERAL = re.compile(r"[A-Za-z0-9/_~-]*")
REPEATED = ("?", "*", "{")


def _start(uri: StringMatch) -> str:
    """What every path that meets a condition begins with."""
    if uri.kind is not MatchKind.REGEX:
        return uri.value if uri.kind in (MatchKind.PREFIX, MatchKind.PATH_PREFIX) else ""
    found = LITERAL.match(uri.value)
    start = found[0] if found and "|" not in uri.value else ""
    return start[:-1] if uri.value.startswith(REPEATED, len(start)) else start


class Order:
    """The rules of a table in order, found by the path of a request: of hundreds each few can take it."""

    def __init__(self, rules: tuple[Rule, ...]) -> None:
        self.rules = rules
        self._exact: dict[str, list[int]] = {}
        self._prefixes: dict[int, dict[str, list[int]]] = {}
        self._others: list[int] = []
        places: dict[Location, None] = {}
        self._known: list[int] = []
        for at, rule in enumerate(rules):
            self._sort_in(at, rule.match)
            places |= dict.fromkeys(filter(None, (rule.route.root, rule.route.location)))
            self._known.append(len(places))
        self._places = tuple(places)
        self.lacks_some = any(one.route.missing for one in rules)

    def _sort_in(self, at: int, match: RouteMatch | None) -> None:
        uri = match.uri if match and not match.ignore_uri_case else None
        if uri is not None and uri.kind is MatchKind.EXACT:
            self._exact.setdefault(uri.value, []).append(at)
        elif uri is not None and (start := _start(uri)):
            self._prefixes.setdefault(len(start), {}).setdefault(start, []).append(at)
        else:
            self._others.append(at)

    def first(self, request: Seen) -> tuple[int, bool | None]:
        """The place of the rule that decides a request, and whether it surely does; that behind the last for none."""
        path = path_only(request.request.path)
        fitting = [*self._others, *self._exact.get(path, ())]
        for length, several in self._prefixes.items():
            fitting += several.get(path[:length], ())
        for at in sorted(fitting):
            if (met := meets(self.rules[at].match, request)) is not False:
                return at, met
        return len(self.rules), False

    def looked_at(self, at: int) -> tuple[Location, ...]:
        """The places of the rules up to one, with those of the rules that delegate to them."""
        return self._places[: self._known[min(at, len(self.rules) - 1)]] if self.rules else ()


Decision = tuple[Rule | None, bool | None, tuple[Location, ...]]


def decided(mesh: Mesh, rules: tuple[Rule, ...], request: Seen) -> Decision:
    """The rule that takes a request (None: none does), whether it surely does, and the places of all that were tried.

    The rules are one and the same object for all requests of a table.
    """
    order = mesh.once(("predict", "order", id(rules)), lambda: Order(rules))
    if not order.lacks_some:
        at, met = order.first(request)
        return (rules[at] if at < len(rules) else None), met, order.looked_at(at)
    looked_at: dict[Location, None] = {}
    for rule, met in tried(rules, request):
        if rule.route.root:
            looked_at[rule.route.root] = None
        if rule.route.missing:
            # istiod leaves it out; with its delegate it would have taken some of the requests that it is met by.
            looked_at |= {} if met is False else {rule.route.location: None}
            continue
        looked_at[rule.route.location] = None
        if met is not False:
            return rule, met, tuple(looked_at)
    return None, False, tuple(looked_at)


def tried(rules: Iterable[Rule], request: Seen) -> Iterator[tuple[Rule, bool | None]]:
    """The rules in order, each with whether the request meets it, up to the one that decides (None: may decide)."""
    for rule in rules:
        met = meets(rule.match, request)
        yield rule, met
        if met is not False and not rule.route.missing:
            return


def catches_all(match: RouteMatch | None) -> bool:
    """Whether an entry has no condition that any request could miss."""
    if match is None:
        return True
    if match.headers or match.without_headers or match.query_params or match.method or match.scheme or match.authority:
        return False
    uri = match.uri
    return uri is None or (uri.kind, uri.value) in ((MatchKind.PREFIX, "/"), (MatchKind.REGEX, ".*"))
