"""What the manifests say of one request: derived from Istio's reference, never from Envoy's configuration."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from meshproof.border import expectation as border
from meshproof.border.expectation import Arm, Copy, Expectation, HeaderExpectation
from meshproof.border.request import Request
from meshproof.border.source import DEFAULT_CLIENT, Source
from meshproof.errors import Location, ManifestError, Problem
from meshproof.mesh.model.gateway import Gateway
from meshproof.mesh.model.kubernetes import ROOT_NAMESPACE
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.path import normalized
from meshproof.mesh.model.virtual_service import MESH_GATEWAY, Destination, HttpRoute, Redirect
from meshproof.mesh.predict import cors, rewrite
from meshproof.mesh.predict.arms import arm, arms, copies
from meshproof.mesh.predict.called import addressed, service_of
from meshproof.mesh.predict.connections.called_address import elsewhere
from meshproof.mesh.predict.destinations import heard
from meshproof.mesh.predict.entries import Rule, decided
from meshproof.mesh.predict.header_effect import authority, effect, with_exact
from meshproof.mesh.predict.match import Client
from meshproof.mesh.predict.mesh_table import Table, mesh_table
from meshproof.mesh.predict.policies.client_tls import origination, secured
from meshproof.mesh.predict.proxy.changes import (
    Resolved,
    answered_otherwise,
    dropped,
    forbidden,
    is_formatted,
    is_unchanged,
    over_http2,
    resolved,
)
from meshproof.mesh.predict.proxy.own_answer import aborted, answered
from meshproof.mesh.predict.proxy.refused import refusal, refused_by_route, unread
from meshproof.mesh.predict.proxy.retrying import retries, retries_of, timeout
from meshproof.mesh.predict.proxy.seen import Seen, seen
from meshproof.mesh.predict.sidecar import passes_on, scoped
from meshproof.records import dataclass

NOT_FOUND = 404
# What a sidecar answers for a host that is not in the mesh, where outboundTrafficPolicy is REGISTRY_ONLY.
UNKNOWN_HOST = 502
MOVED, CREATED, REDIRECTION = 301, 201, 3


def predict(mesh: Mesh, request: Request, source: Source = DEFAULT_CLIENT) -> Expectation:
    """What must become of a request that a workload sends, or that enters by a gateway.

    A request in TLS is judged by the handshake that its client's PEM files make possible; raises
    UsageError when they cannot be read.
    """
    client = client_of(mesh, request, source)
    found = _predicted(mesh, request, client)
    places = [*(one.localities for one in found.arms), *(one.localities for one in found.copies)]
    untold = next((one.untold for one in places if one and one.untold), "") or elsewhere(mesh, found, source.namespace)
    for copy in found.copies:
        subset = copy.destination.partition("/")[2].partition(":")[0]
        if origination(mesh, copy.host, subset, copy.port, client):
            untold = untold or f"that copies reach {copy.host} in TLS is not modelled"
    found = replace(found, undecided=untold) if untold and not found.undecided else found
    return secured(over_http2(found) if request.is_call else found)


def _predicted(mesh: Mesh, request: Request, client: Client) -> Expectation:
    gateway = mesh.gateway(request.gateway) if request.gateway else None
    whole, mesh = mesh, scoped(mesh, client)
    if request.is_tcp:
        # What few requests need is imported where one does: all of it takes as long as the others together.
        from meshproof.mesh.predict.connections.entering import entered
        from meshproof.mesh.predict.connections.within import connected
        from meshproof.mesh.predict.policies.authorization import policies_at

        become = entered if request.gateway else connected
        expected = become(mesh, Expectation(request, ()), client)
        if mesh is not whole and expected.refused:
            return _passed_on(whole, expected, client)
        guarding = policies_at(mesh, gateway) if gateway else ()
        why = "which connections a policy lets in is not modelled"
        return replace(expected, route=guarding[0].location, undecided=why) if guarding else expected
    path = normalized(request.path, mesh.config.path_normalization)
    found = table(mesh, request, client)
    own: dict[str, Any] = {"path": path or "", "authority": request.authority}
    if found.refused:
        refusing = Expectation(request, (), refused=found.refused, note=found.note, **own)
        return refusing if mesh is whole else _passed_on(whole, refusing, client)
    if found.port and not found.port.is_http:
        return _default(mesh, Expectation(request, (), **own), found, client)
    if unreadable := unread(request):
        return Expectation(request, (), status=unreadable.status, note=unreadable.why, **own)
    # Rules are held against the request as its proxy makes it.
    changed = seen(request, path or "", certified=found.certified)
    plain = Expectation(request, (), dropped=dropped(request, changed), **own)
    if refused := refusal(path, changed):
        return answered(plain, changed, refused.status, note=refused.why)
    refused = refused_by_route(changed)
    plain, forbidden = _let_in(mesh, gateway, plain, changed) if gateway else (plain, None)
    # An upgrade that a route refuses is refused before any policy is asked.
    if forbidden is not None and refused is None:
        return forbidden
    if found.to_https and refused is None:
        return answered(plain, changed, MOVED, target=rewrite.https(changed.request), note=found.note)
    if found.rules is None or found.to_https:
        if refused:
            return answered(plain, changed, refused.status, note=refused.why)
        if found.service is None:
            unknown = answered(plain, changed, UNKNOWN_HOST, note=found.note)
            return unknown if mesh is whole else _passed_on(whole, unknown, client)
        tried_again = retries_of(mesh.config.retries) if mesh.config.retries else None
        return replace(_default(mesh, plain, found, client), timeout=timeout(None, changed), retries=tried_again)
    rule, met, looked_at = decided(mesh, found.rules, changed)
    if rule is None:
        plain = replace(plain, looked_at=looked_at)
        return forbidden or answered(plain, changed, NOT_FOUND, note=found.note or "no rule matches")
    if met is None:
        why = f"whether the rule at {rule.route.location} takes it depends on a value that its proxy writes"
        return replace(plain, route=rule.route.location, looked_at=looked_at, undecided=why)
    if refused:
        return answered(replace(plain, looked_at=looked_at), changed, refused.status, note=refused.why)
    return _routed(mesh, plain, changed, client, rule, looked_at)


def _passed_on(mesh: Mesh, expected: Expectation, client: Client) -> Expectation:
    """What is expected of a host that a client's Sidecar leaves out, unless unknown hosts may be passed on."""
    sidecar = passes_on(mesh, client)
    if sidecar is None:
        return expected
    why = "it does not import the host, which is then passed on unless outboundTrafficPolicy is REGISTRY_ONLY"
    return replace(expected, route=sidecar.location, looked_at=(sidecar.location,), undecided=why)


def _let_in(mesh: Mesh, gateway: Gateway, plain: Expectation, request: Seen) -> tuple[Expectation, Expectation | None]:
    """The expectation with the policies that let a request in, and what is expected where they do not."""
    if not mesh.authorization_policies:
        return plain, None
    from meshproof.mesh.predict.policies.authorization import DENIED, FORBIDDEN, authorized

    verdict = authorized(mesh, gateway, request)
    plain = replace(plain, allowed_by=verdict.by)
    if verdict.allowed:
        return plain, None
    denied = replace(plain, route=verdict.place, looked_at=(verdict.place,) if verdict.place else ())
    if verdict.allowed is None:
        why = f"whether the rule at {verdict.place} takes it depends on {verdict.why}"
        return plain, replace(denied, undecided=why)
    return plain, answered(denied, request, FORBIDDEN, body=DENIED)


def client_of(mesh: Mesh, request: Request, source: Source) -> Client:
    """Who asks, as rules see it: the workload that sends a request, or the gateway by which it enters."""
    if not request.gateway:
        return Client(MESH_GATEWAY, request.port, source.namespace, source.labels)
    gateway = mesh.gateway(request.gateway)
    pods = mesh.pods_of(gateway) if gateway else (ROOT_NAMESPACE, {})
    return Client(request.gateway, request.port, *pods)


def table(mesh: Mesh, request: Request, client: Client) -> Table:
    """The rules that stand for a request of a client."""
    if not request.gateway:
        return mesh_table(scoped(mesh, client), request, client)
    from meshproof.mesh.predict.gateway_table import gateway_table

    return gateway_table(mesh, request)


def require_endpoints(mesh: Mesh) -> None:
    """Raise ManifestError for every Service that selects no Deployment: a specification must be able to answer."""
    problems = [
        Problem(
            service.location,
            f"no Deployment stands behind Service {service.namespace}/{service.name}",
            "add a Deployment whose pod labels have "
            + ", ".join(f"{name}: {value}" for name, value in service.selector.items())
            + ", or correct the Service's selector",
        )
        for service in mesh.services
        if service.selector and not mesh.selected(service.host)
    ]
    if problems:
        raise ManifestError(*problems)


def _default(mesh: Mesh, plain: Expectation, found: Table, client: Client) -> Expectation:
    """No VirtualService has a say: the Service itself answers."""
    service, port = found.service, found.port
    if service is None or port is None:
        return replace(plain, status=UNKNOWN_HOST, note=found.note)
    expected = replace(plain, arms=(arm(mesh, Destination(service.host, "", port.number, service.location), client),))
    if port.is_http:
        sent_to = addressed(mesh, plain.request, client.namespace) if service.headless else service
        # Without an address of its own it has none for what was sent elsewhere, and each pod has its own.
        by_pod = service.headless and service_of(mesh, plain.request.host, client.namespace) is None
        astray = sent_to is not service or (by_pod and len(mesh.behind(service)) > 1)
        why = f"{service.called} is headless: a sidecar passes requests on to the address that they were sent to"
        return replace(expected, undecided=why) if astray else expected
    if service.headless and not heard(mesh, service, port):
        return replace(expected, undecided=f"no pod has port {port.number} of {service.called}, which is headless")
    from meshproof.mesh.predict.connections.within import PROTOCOLS, chosen

    if port.protocol in PROTOCOLS:
        expected = chosen(mesh, plain, service, port, client)
    why = f"port {port.number} speaks {port.protocol}, so Envoy chooses once per connection"
    return replace(expected, independent=False, dependence=why)


@dataclass(frozen=True, slots=True)
class _Led:
    """Where a route leads, which is the same for all requests of a client; `own` is the Host that it sets."""

    route: HttpRoute
    own: str
    arms: tuple[Arm, ...]
    retries: border.Retries | None
    copies: tuple[Copy, ...]


def _led(mesh: Mesh, route: HttpRoute, client: Client) -> _Led:
    own = (route.rewrite.authority if route.rewrite else "") or authority(route.headers.request)
    drawn = arms(mesh, route, client, own)
    return _Led(route, own, drawn, retries(route), tuple(copies(mesh, route, client)))


def _written(mesh: Mesh, route: HttpRoute, request: Seen) -> tuple[Resolved, bool]:
    """The route for a request, and whether it is the same for all: no header value is of the request's own."""
    if is_unchanged(route):
        return Resolved(route), True

    def fixed() -> tuple[HttpRoute, Resolved | None]:
        # With the route, so that no other one can get its id.
        return route, None if is_formatted(route) else resolved(route, request)

    found = mesh.once(("predict", "fixed", id(route)), fixed)[1]
    return found or resolved(route, request), found is not None


def _routed(
    mesh: Mesh, plain: Expectation, request: Seen, client: Client, rule: Rule, looked_at: tuple[Location, ...]
) -> Expectation:
    written, fixed = _written(mesh, rule.route, request)
    route = written.route
    origin = cors.allowed_origin(route.cors, request)
    # Faults come before CORS, neither looks at what is redirected or answered directly, and preflights' answers stay.
    decided: dict[str, Any] = {
        "route": route.location,
        "looked_at": looked_at,
        "undecided": plain.undecided or written.undecided,
        "abort": aborted(route.abort, request),
        "delay": border.Delay(route.delay.share, route.delay.seconds, route.delay.location) if route.delay else None,
    }
    if route.redirect:
        target = rewrite.location(route.redirect, request.request, rule.match)
        shared = effect([[route.headers.response]])
        return answered(replace(plain, **decided), request, route.redirect.code, target=target, headers=shared)
    if route.direct_response:
        answer = route.direct_response
        # Envoy says where, even though the rule does not: at the request's own address.
        says_where = answer.status == CREATED or answer.status // 100 == REDIRECTION
        target = rewrite.location(Redirect(), request.request) if says_where else ""
        expected, shared = replace(plain, **decided), effect([[route.headers.response]])
        return answered(expected, request, answer.status, body=answer.body, target=target, headers=shared)
    if route.cors and cors.answers(route.cors, origin, request):
        headers = with_exact(HeaderExpectation(), *cors.answer_headers(route.cors, origin, request, preflight=True))
        return replace(plain, status=200, headers=headers, **(decided | {"undecided": plain.undecided}))
    whole = _led(mesh, route, client) if not fixed else None
    led = whole or mesh.once(("predict", "led", id(route), client.key), lambda: _led(mesh, route, client))
    drawn = led.arms
    limit, each = timeout(route.timeout, request), led.retries.per_try_timeout if led.retries else None
    unsure = forbidden(route, drawn, request.request) or answered_otherwise(route, limit, each)
    decided["undecided"] = decided["undecided"] or unsure
    if route.cors and origin:
        extra = cors.answer_headers(route.cors, origin, request, preflight=False)
        drawn = tuple(replace(one, response_headers=with_exact(one.response_headers, *extra)) for one in drawn)
    if "upgrade" in request.headers:
        # Of an answer that changes no protocol Envoy makes one of its own, whose headers no rule decides alone.
        drawn = tuple(replace(one, response_headers=HeaderExpectation()) for one in drawn)
    return Expectation(
        plain.request,
        drawn,
        path=rewrite.rewritten(route.rewrite, rule.match, request.request.path),
        authority=led.own or request.request.authority,
        timeout=limit,
        retries=led.retries,
        copies=led.copies,
        dropped=plain.dropped,
        allowed_by=plain.allowed_by,
        **decided,
    )
