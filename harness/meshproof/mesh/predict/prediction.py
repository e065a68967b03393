"""What the manifests say of one request: derived from Istio's reference, never from Envoy's configuration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from meshproof.border import expectation as border
from meshproof.border.expectation import Expectation, HeaderExpectation
from meshproof.border.request import Request
from meshproof.errors import Location, ManifestError, Problem
from meshproof.mesh.model.kubernetes import ROOT_NAMESPACE
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.path import normalized
from meshproof.mesh.model.virtual_service import MESH_GATEWAY, Destination, HttpRoute, Redirect
from meshproof.mesh.predict import cors, rewrite
from meshproof.mesh.predict.arms import arm, arms, copies
from meshproof.mesh.predict.gateway_table import gateway_table
from meshproof.mesh.predict.header_effect import authority, effect, with_exact
from meshproof.mesh.predict.match import Client, matches
from meshproof.mesh.predict.mesh_table import HTTP, Rule, Table, mesh_table

BAD_REQUEST = 400
NOT_FOUND = 404
# What a sidecar answers for a host that is not in the mesh, where outboundTrafficPolicy is REGISTRY_ONLY.
UNKNOWN_HOST = 502
MOVED = 301
CREATED, REDIRECTION = 201, 3


def predict(
    mesh: Mesh, request: Request, *, namespace: str = "default", labels: Mapping[str, str] | None = None
) -> Expectation:
    """What must become of a request that a workload of `namespace` with `labels` sends, or that enters by a gateway.

    A request in TLS is judged by the handshake that its client's PEM files make possible; raises
    UsageError when they cannot be read.
    """
    if request.gateway:
        client = Client(request.gateway, request.port, ROOT_NAMESPACE, {})
    else:
        client = Client(MESH_GATEWAY, request.port, namespace, labels or {})
    path = normalized(request.path)
    plain = Expectation(request, (), path=path or "", authority=request.authority)
    within = client.gateway == MESH_GATEWAY
    found = mesh_table(mesh, request, client) if within else gateway_table(mesh, request)
    if found.refused:
        return replace(plain, refused=found.refused, note=found.note)
    if path is None:
        return replace(plain, status=BAD_REQUEST, note="no proxy takes such a path")
    # Rules are held against the path as it is after normalisation.
    seen = replace(request, path=path)
    if found.to_https:
        return replace(plain, status=MOVED, redirect=border.Redirect(MOVED, rewrite.https(seen)))
    if found.rules is None:
        return _default(mesh, plain, found, client)
    looked_at: dict[Location, None] = {}
    for rule in found.rules:
        looked_at[rule.route.location] = None
        if matches(rule.match, seen):
            return replace(_routed(mesh, plain, seen, client, rule), looked_at=tuple(looked_at))
    plain = replace(plain, looked_at=tuple(looked_at))
    return replace(plain, status=NOT_FOUND, note=found.note or "no rule matches")


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
    destination = Destination(service.host, "", port.number, service.location)
    expected = replace(plain, arms=(arm(mesh, destination, client),))
    if port.protocol in HTTP:
        return expected
    why = f"port {port.number} speaks {port.protocol}, so Envoy chooses once per connection"
    return replace(expected, independent=False, dependence=why)


def _routed(mesh: Mesh, plain: Expectation, request: Request, client: Client, rule: Rule) -> Expectation:
    route = rule.route
    expected = replace(plain, route=route.location)
    origin = cors.allowed_origin(route.cors, request)
    shared = effect([[route.headers.response]])
    # Faults come before CORS, and neither looks at a request that is redirected or answered directly.
    expected = replace(
        expected,
        abort=border.Abort(route.abort.share, route.abort.status, route.abort.location) if route.abort else None,
        delay=border.Delay(route.delay.share, route.delay.seconds, route.delay.location) if route.delay else None,
    )
    if route.redirect:
        target = border.Redirect(route.redirect.code, rewrite.location(route.redirect, request))
        return replace(expected, status=route.redirect.code, redirect=target, headers=shared)
    if route.direct_response:
        answer = route.direct_response
        direct = replace(expected, status=answer.status, body=answer.body, headers=shared)
        if answer.status == CREATED or answer.status // 100 == REDIRECTION:
            # Envoy says where, even though the rule does not: at the request's own address.
            return replace(direct, redirect=border.Redirect(answer.status, rewrite.location(Redirect(), request)))
        return direct
    if route.cors and origin and cors.is_preflight(request):
        headers = with_exact(HeaderExpectation(), *cors.answer_headers(route.cors, origin, request, preflight=True))
        return replace(expected, status=200, headers=headers)
    own = (route.rewrite.authority if route.rewrite else "") or authority(route.headers.request)
    drawn = arms(mesh, route, client, own)
    if route.cors and origin:
        extra = cors.answer_headers(route.cors, origin, request, preflight=False)
        drawn = tuple(replace(one, response_headers=with_exact(one.response_headers, *extra)) for one in drawn)
    return replace(
        expected,
        arms=drawn,
        path=rewrite.rewritten(route.rewrite, rule.match, request.path),
        authority=own or request.authority,
        timeout=route.timeout or None,
        retries=_retries(route),
        copies=tuple(copies(mesh, route, client)),
    )


def _retries(route: HttpRoute) -> border.Retries | None:
    found = route.retries
    return border.Retries(found.attempts, found.per_try_timeout, found.retry_on, found.location) if found else None
