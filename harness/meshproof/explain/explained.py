"""One request explained, from what predicts it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from meshproof.border.expectation import Expectation
from meshproof.border.request import Request
from meshproof.border.source import Source
from meshproof.explain.beside import beside
from meshproof.explain.destinations import destinations
from meshproof.explain.effects import effects
from meshproof.explain.explanation import Explanation, Object
from meshproof.explain.manifests import Written
from meshproof.explain.rules import Trace, trace
from meshproof.mesh.build.assemble import Built
from meshproof.mesh.coverage.dependencies import Dependencies, undecided
from meshproof.mesh.coverage.facts import facts
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.unmodelled import Unmodelled
from meshproof.mesh.predict.match import Client
from meshproof.mesh.predict.mesh_table import UNREAD, Table
from meshproof.mesh.predict.prediction import client_of, predict, table
from meshproof.mesh.requests.answerable import why_unanswered


def explain(built: Built, request: Request, source: Source, limits: Iterable[Unmodelled] = ()) -> Explanation:
    """What becomes of a request that a client sends, and why.

    `limits` are what of the mesh is not carried out where it is to be sent.
    """
    mesh, labels = built.mesh, source.labels
    expectation = predict(mesh, request, namespace=source.namespace, labels=labels)
    client = client_of(mesh, request, source.namespace, labels)
    written = Written((*built.resources, *built.left_out))
    found, traced = _trace(mesh, expectation, client, written)
    dependencies = Dependencies(mesh, (*mesh.unmodelled, *limits))
    touching = dependencies.touching(facts(mesh, expectation, source.namespace, labels))
    return Explanation(
        expectation,
        source,
        why_unanswered(mesh, expectation, source.namespace),
        tuple(_way(mesh, expectation, found, traced, written)),
        traced.entries,
        tuple(destinations(mesh, expectation, client, written)),
        tuple(effects(expectation, traced.taken.route if traced.taken else None, written)),
        tuple(beside(mesh, expectation, found, client, traced.virtual_services, written)),
        tuple(_not_understood(one) for one in (*touching, *undecided(mesh, expectation))),
        tuple(Object("", one.location, one.message) for one in built.notices),
    )


def _trace(mesh: Mesh, expectation: Expectation, client: Client, written: Written) -> tuple[Table, Trace]:
    request = expectation.request
    if not request.is_tcp:
        found = table(mesh, request, client)
        return found, trace(mesh, expectation, found, client, written)
    from meshproof.explain.connections import connection

    return connection(mesh, expectation, client, written)


def _way(mesh: Mesh, expectation: Expectation, found: Table, traced: Trace, written: Written) -> Iterator[Object]:
    """The listener, or the servers of the gateway; the virtual host; whose rules stand there."""
    request = expectation.request
    gateway = mesh.gateway(request.gateway) if request.gateway else None
    if gateway:
        pods = mesh.pods_of(gateway)
        chosen = ", ".join(f"{name}={value}" for name, value in pods[1].items())
        yield Object(f"Gateway {gateway.called}", gateway.location, f"served by pods with {chosen} in {pods[0]}")
        for server in found.servers:
            hosts = ", ".join(server.hosts)
            name = f"{server.name} " if server.name else ""
            yield Object(f"server {name}port {server.port} {server.protocol}", server.location, f"hosts {hosts}")
    elif not request.gateway:
        yield Object(f"sidecar of the client, listener 0.0.0.0_{request.port}", None)
    yield from _policies(expectation, traced, written)
    if found.refused:
        ended = "not read" if found.refused == UNREAD else f"no further than the {found.refused}"
        yield Object(ended, None, found.note)
        return
    if found.domain:
        service, port = found.service, found.port
        where = service.location if service else None
        says = ""
        if service and port:
            kind = "ServiceEntry host" if service.hostname else "Service"
            says = f"{kind} {service.called}, port {port.number} {port.protocol} → {port.target}"
        yield Object(f"virtual host {found.domain}:{request.port}", where, says)
    for one in traced.virtual_services:
        yield Object(written.called(one.location), one.location, f"hosts {', '.join(one.hosts)}")
    if found.to_https:
        yield Object("httpsRedirect", None, "this server sends everything to HTTPS")
    if found.domain and not traced.virtual_services and found.service:
        yield Object("no VirtualService", None, "none decides for this host and client: the Service itself answers")
    if not found.domain and found.note:
        yield Object("no virtual host", None, found.note)


def _policies(expectation: Expectation, traced: Trace, written: Written) -> Iterator[Object]:
    """The rules of policies that let a request in, or the one that does not."""
    for place in expectation.allowed_by:
        yield Object(written.called(place), place, "lets it in")
    decided = expectation.route
    if decided and not traced.entries and written.called(decided).startswith("AuthorizationPolicy"):
        says = "may deny it" if expectation.undecided else f"denies it with {expectation.status} before any routing"
        yield Object(written.called(decided), decided, says)


def _not_understood(one: Unmodelled) -> Object:
    needs = f" ({one.needs})" if one.needs else ""
    return Object(one.subject or one.kind, one.location, f"{one.why}{needs}")
