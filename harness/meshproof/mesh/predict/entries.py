"""The entries of a VirtualService's `match` as they stand for a client, in the order in which they are tried."""

from __future__ import annotations

from collections.abc import Iterator

from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.virtual_service import HttpRoute, MatchKind, RouteMatch, VirtualService
from meshproof.mesh.predict.gateway_api import in_order
from meshproof.mesh.predict.match import Client, Miss, kept_from
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


def catches_all(match: RouteMatch | None) -> bool:
    """Whether an entry has no condition that any request could miss."""
    if match is None:
        return True
    if match.headers or match.without_headers or match.query_params or match.method or match.scheme or match.authority:
        return False
    uri = match.uri
    return uri is None or (uri.kind, uri.value) in ((MatchKind.PREFIX, "/"), (MatchKind.REGEX, ".*"))
