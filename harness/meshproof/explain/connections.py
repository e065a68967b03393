"""The rules that stand for a connection, in the order in which they are looked at, and what came of each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from meshproof.border.expectation import Expectation
from meshproof.explain.context import Context
from meshproof.explain.explanation import AFTER, MISSED, NOT_FOR, TAKEN, Entry
from meshproof.explain.rules import Trace
from meshproof.mesh.model.names import covers
from meshproof.mesh.model.virtual_service import MESH_GATEWAY, TcpMatch, TcpRoute, VirtualService
from meshproof.mesh.predict import visibility
from meshproof.mesh.predict.connections.entering import bound
from meshproof.mesh.predict.connections.within import SECURED, called
from meshproof.mesh.predict.gateways.servers import entries
from meshproof.mesh.predict.match import Client, Miss, kept_from
from meshproof.mesh.predict.mesh_table import Table

Rules = Iterable[tuple[VirtualService, TcpRoute]]


def connection(context: Context) -> tuple[Table, Trace]:
    """Where a connection comes, and the rules that stand for it there."""
    mesh, expectation, client, request = context.mesh, context.expectation, context.client, context.request
    if request.gateway:
        return _entering(context)
    service, port = called(mesh, request, client)
    if service is None:
        return Table(note=expectation.note, refused=expectation.refused), Trace()
    seen = visibility.virtual_services(mesh, MESH_GATEWAY, client.namespace)
    naming = (seen.several[at] for at in seen.hosts.candidates(service.host))
    secured = port is not None and port.protocol in SECURED
    own = [one for one in naming if any(covers(name, service.host) for name in one.hosts)]
    rules = [(one, route) for one in own for route in (one.tls if secured else one.tcp)]
    found = Table(service=service, port=port, domain=service.host, note=expectation.note, refused=expectation.refused)
    return found, _trace(rules, context)


def _entering(context: Context) -> tuple[Table, Trace]:
    mesh, expectation, request = context.mesh, context.expectation, context.request
    gateway = mesh.gateway(request.gateway)
    several = entries(mesh, gateway) if gateway else ()
    there = [one for one in several if one.server.port == request.port]
    rules = {
        id(route): (one, route)
        for entry in there
        for one in bound(mesh, entry)
        for route in (one.tls if entry.server.passes_tls_on else one.tcp)
    }
    found = Table(note=expectation.note, refused=expectation.refused, servers=tuple(one.server for one in there))
    # At a gateway nothing of who sends it counts.
    anybody = replace(context.client, labels={}, namespace="")
    return found, _trace(rules.values(), replace(context, client=anybody))


def _trace(rules: Rules, context: Context) -> Trace:
    several = list(rules)
    owners = {id(one): one for one, _ in several}
    return Trace(tuple(_entries(several, context)), None, tuple(owners.values()))


def _entries(rules: Rules, context: Context) -> Iterator[Entry]:
    expectation = context.expectation
    decided = False
    for _, route in rules:
        for match in route.matches or (None,):
            miss = _kept_from(match, context.client)
            named = _named(match, expectation) if miss is None else None
            taken = route.location == expectation.route and not decided
            outcome = NOT_FOR if miss else MISSED if named else TAKEN if taken else AFTER
            decided = decided or outcome == TAKEN
            place = match.location if match else None
            owner = context.written.called(route.location)
            yield Entry(owner, route.location, place, outcome, miss=miss or named, by=expectation.route)


def _kept_from(match: TcpMatch | None, client: Client) -> Miss | None:
    if match is not None and client.gateway != MESH_GATEWAY:
        match = replace(match, source_labels={}, source_namespace="")
    return kept_from(match, client)


def _named(match: TcpMatch | None, expectation: Expectation) -> Miss | None:
    """That a connection asks for another name than a condition has."""
    names, asked = match.sni_hosts if match else (), expectation.request.domain
    if not names or any(covers(one, asked) for one in names):
        return None
    return Miss("sniHosts", " or ".join(names), asked, match.location if match else None)
