"""One request explained, from what predicts it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from meshproof.border.request import Request
from meshproof.border.source import Source
from meshproof.explain.beside import beside
from meshproof.explain.context import Context
from meshproof.explain.destinations import destinations
from meshproof.explain.effects import effects
from meshproof.explain.explanation import Explanation, Object
from meshproof.explain.manifests import Written, written_in
from meshproof.explain.rules import Trace, trace
from meshproof.language.words import ENGLISH, Words
from meshproof.mesh.build.assemble import Built
from meshproof.mesh.coverage.dependencies import Dependencies
from meshproof.mesh.coverage.facts import Facts, facts
from meshproof.mesh.coverage.undecided import undecided
from meshproof.mesh.model.gateway import OWN_PODS
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.unmodelled import Received, Unmodelled
from meshproof.mesh.predict.mesh_table import UNREAD, Table
from meshproof.mesh.predict.prediction import client_of, predict, table
from meshproof.mesh.predict.sidecar import applying
from meshproof.mesh.requests.answerable import why_unanswered

REFUSED = "by these policies its pods refuse the request with 403, RBAC: access denied"
ENDED = "by these policies its pods end the connection"


def explain(
    built: Built, request: Request, source: Source, limits: Iterable[Unmodelled] = (), words: Words = ENGLISH
) -> Explanation:
    """What becomes of a request that a client sends, and why, in a language; reasons and notices are in English.

    `limits` are what of the mesh is not carried out where it is to be sent.
    """
    mesh = built.mesh
    expectation = predict(mesh, request, source)
    context = Context(mesh, expectation, client_of(mesh, request, source), written_in(built), words)
    found, traced = _trace(context)
    dependencies = Dependencies(mesh, (*mesh.unmodelled, *limits))
    known = facts(mesh, expectation, source)
    touching = dependencies.touching(known)
    said = ENDED if request.is_tcp else REFUSED
    refused = said if mesh.authorization_policies and _let_in(mesh, known) is False else ""
    found_out = Explanation(
        expectation,
        source,
        why_unanswered(mesh, expectation, source.namespace),
        tuple(_way(context, found, traced)),
        traced.entries,
        tuple(destinations(context)),
        tuple(effects(context, traced.taken.route if traced.taken else None)),
        tuple(beside(context, found, traced.virtual_services)),
        tuple(_not_understood(one, refused=refused) for one in (*touching, *undecided(mesh, expectation))),
    )
    near, far = _notices(built, found_out)
    return replace(found_out, notices=near, elsewhere=far)


def _notices(built: Built, explanation: Explanation) -> tuple[tuple[Object, ...], tuple[Object, ...]]:
    """Those that are about objects which the explanation names, or about no object, and the others."""
    # What is said at the place of what stands in is said of what refers to it.
    written = Written(written_in(built).resources)
    owners = {id(written.owner(place)) for place in explanation.places}
    found: tuple[list[Object], list[Object]] = [], []
    for one in built.notices:
        owner = written.owner(one.location)
        found[owner is not None and id(owner) not in owners].append(Object("", one.location, one.message))
    return tuple(found[0]), tuple(found[1])


def _trace(context: Context) -> tuple[Table, Trace]:
    if not context.request.is_tcp:
        found = table(context.mesh, context.request, context.client)
        return found, trace(context, found)
    from meshproof.explain.connections import connection

    return connection(context)


def _way(context: Context, found: Table, traced: Trace) -> Iterator[Object]:
    """The listener, or the servers of the gateway; the virtual host; whose rules stand there."""
    mesh, request, words = context.mesh, context.request, context.words
    gateway = mesh.gateway(request.gateway) if request.gateway else None
    if gateway:
        pods = mesh.pods_of(gateway)
        chosen = ", ".join(f"{name}={value}" for name, value in pods[1].items() if name != OWN_PODS)
        says = words("served by pods with {labels} in {namespace}", labels=chosen, namespace=pods[0])
        yield Object(f"Gateway {gateway.called}", gateway.location, says)
        for server in found.servers:
            limited = (f"{owner}/{host}" if owner else host for owner, host in server.limits)
            hosts = words("hosts {hosts}", hosts=", ".join(limited))
            name = f"{server.name} " if server.name else ""
            which = words("server {which}", which=f"{name}port {server.port} {server.protocol}")
            yield Object(which, server.location, hosts)
    elif not request.gateway:
        listener = f"0.0.0.0_{request.port}"
        # What a client knows of the mesh is for its Sidecar to say.
        known = applying(mesh, context.client)
        yield Object(
            words("sidecar of the client, listener {listener}", listener=listener), known.location if known else None
        )
    yield from _policies(context, traced)
    if found.refused:
        steps = {"connection": words("connection"), "handshake": words("handshake")}
        step = steps.get(found.refused, found.refused)
        ended = words("not read") if found.refused == UNREAD else words("no further than the {step}", step=step)
        yield Object(ended, None, found.note)
        return
    if found.domain:
        service, port = found.service, found.port
        where = service.location if service else None
        says = ""
        if service and port:
            kind = "ServiceEntry host" if service.hostname else "Service"
            own = f"{kind} {service.called}"
            there = f"{port.number} {port.protocol} → {port.target}"
            says = words("{service}, port {port}", service=own, port=there)
        yield Object(words("virtual host {domain}", domain=f"{found.domain}:{request.port}"), where, says)
    for one in traced.virtual_services:
        yield Object(
            context.written.called(one.location), one.location, words("hosts {hosts}", hosts=", ".join(one.hosts))
        )
    if found.to_https:
        yield Object("httpsRedirect", None, words("this server sends everything to HTTPS"))
    if found.domain and not traced.virtual_services and found.service:
        says = words("none decides for this host and client: the Service itself answers")
        yield Object(words("no VirtualService"), None, says)
    if not found.domain and found.note:
        yield Object(words("no virtual host"), None, found.note)


def _policies(context: Context, traced: Trace) -> Iterator[Object]:
    """The rules of policies that let a request in, or the one that does not."""
    expectation, written, words = context.expectation, context.written, context.words
    for place in expectation.allowed_by:
        yield Object(written.called(place), place, words("lets it in"))
    decided = expectation.route
    if decided and not traced.entries and written.called(decided).startswith("AuthorizationPolicy"):
        says = words("denies it with {status} before any routing", status=expectation.status)
        says = words("may deny it") if expectation.undecided else says
        yield Object(written.called(decided), decided, says)


def _let_in(mesh: Mesh, known: Facts) -> bool | None:
    from meshproof.mesh.coverage.received import let_in

    return let_in(mesh, known)


def _not_understood(one: Unmodelled, *, refused: str) -> Object:
    """`refused` says what pods do that let the request in by none of their policies; empty where they may."""
    more = "; ".join(filter(None, ("a cluster refuses it" if one.is_left_out else "", one.needs)))
    needs = f" ({more})" if more else ""
    by_pods = refused and any(isinstance(touch, Received) for touch in one.touches)
    why = f"{refused}; {one.why}" if by_pods else one.why
    return Object(one.subject or one.kind, one.location, f"{why}{needs}")
