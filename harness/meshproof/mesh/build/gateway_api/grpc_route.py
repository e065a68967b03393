"""GRPCRoutes, refused where the API server or istiod refuses them: rules of HTTP for `/service/method`.

Source: https://gateway-api.sigs.k8s.io/reference/spec/#grpcroute and the published CRD; what istiod makes of them:
pilot/pkg/config/kube/gateway/conversion.go (convertGRPCRoute, createGRPCURIMatch). Their rules stand in one list with
those of HTTPRoutes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from meshproof.manifest.resource import Resource
from meshproof.manifest.value import Value
from meshproof.mesh.build.findings import Findings
from meshproof.mesh.build.gateway_api import filters as own
from meshproof.mesh.build.gateway_api.attach import Entries, Known, asked
from meshproof.mesh.build.gateway_api.backends import backend
from meshproof.mesh.build.gateway_api.http_route import NO_BACKEND, Route, Rule, backends_of, mirror
from meshproof.mesh.build.gateway_api.limits.counts import check
from meshproof.mesh.build.gateway_api.match import named, regex
from meshproof.mesh.build.gateway_api.parents import parents
from meshproof.mesh.build.visibility import created
from meshproof.mesh.model.unmodelled import Rule as Touched
from meshproof.mesh.model.unmodelled import Unmodelled
from meshproof.mesh.model.virtual_service import (
    DirectResponse,
    HttpRoute,
    MatchKind,
    RouteMatch,
    StringMatch,
)

KIND = "GRPCRoute"
IN_A_RULE = own.HEADERS | {"RequestMirror"}
SERVICE_NAME = re.compile(r"(?i)\.?[a-z_][a-z_0-9]*(\.[a-z_][a-z_0-9]*)*")
METHOD_NAME = re.compile(r"[A-Za-z_][A-Za-z_0-9]*")


def grpc_route(resource: Resource, findings: Findings) -> Route:
    spec = resource.body.need("spec")
    check(spec)
    rules = []
    for position, value in enumerate(spec.list("rules")):
        with findings.gather(), findings.within(Touched(value.location)):
            rules.append(_rule(value, resource, position, findings))
    return Route(
        resource.name,
        resource.namespace,
        tuple(one.text().lower() for one in spec.list("hostnames")),
        parents(spec, resource.namespace, findings),
        tuple(rules),
        resource.location,
        created(resource),
        KIND,
        own.untaken(spec, IN_A_RULE),
    )


def without_refused(routes: Iterable[Route], known: Known, entries: Entries, findings: Findings) -> list[Route]:
    """Without GRPCRoutes that mirror to what does not exist: unlike HTTPRoutes, istiod leaves these out whole."""
    kept = []
    for route in routes:
        missing = [aim for rule in route.rules for aim in rule.mirrored if not known(aim.destination.host)]
        if route.kind != KIND or not missing:
            kept.append(route)
            continue
        aim = missing[0]
        why = f"there is no {aim.kind} {aim.namespace}/{aim.name} to mirror to: istiod leaves the whole GRPCRoute out"
        where = aim.destination.location
        findings.unmodelled_parts.append(
            Unmodelled(KIND, route.called, where, why, asked(route, entries), refused=True)
        )
    return kept


def tell_shared_names(routes: Iterable[Route], entries: Entries, findings: Findings) -> None:
    """Say which GRPCRoutes have the name of an HTTPRoute beside it that is attached elsewhere.

    istiod makes one object of both names (route_collections.go, RouteWithKey): those for one parent stand in one list,
    of others the HTTPRoute's alone is in force.
    """
    several = list(routes)
    calls = [one for one in several if one.kind == KIND]
    others = {(one.namespace, one.name): one for one in several if one.kind != KIND} if calls else {}
    for one in calls:
        other = others.get((one.namespace, one.name))
        if other and _places(one) != _places(other):
            why = f"{other.called} at {other.location} has its name and is attached elsewhere: istiod mixes the two up"
            fix = "give one of them another name"
            findings.unmodelled_parts.append(Unmodelled(KIND, one.called, one.location, why, asked(one, entries), fix))


def _places(route: Route) -> tuple[list[str], list[str]]:
    """What a route is attached to."""
    where = {(one.kind, one.namespace, one.name, one.port, one.section) for one in route.parents}
    return sorted(map(str, where)), sorted(route.hostnames)


def _rule(value: Value, resource: Resource, position: int, findings: Findings) -> Rule:
    said = value.get("name")
    found = own.filters(value, IN_A_RULE)
    backends, destinations = backends_of(value, resource.namespace, findings)
    mirrors = [
        (one, backend(one.need("backendRef"), resource.namespace, findings)) for one in found.get("RequestMirror", [])
    ]
    return Rule(
        HttpRoute(
            said.text() if said else f"{resource.namespace}.{resource.name}.{position}",
            tuple(_match(one) for one in value.list("matches")),
            destinations,
            value.location,
            direct_response=None if destinations else DirectResponse(NO_BACKEND),
            mirrors=tuple(mirror(one, aim) for one, aim in mirrors),
            headers=own.header_changes(found),
            missing_status=NO_BACKEND,
        ),
        backends,
        tuple(aim for _, aim in mirrors),
    )


def _match(value: Value) -> RouteMatch:
    called = value.get("method")
    return RouteMatch(
        value.location, uri=_path(called) if called else None, headers=named(value, "headers", lower=True)
    )


def _path(value: Value) -> StringMatch:
    """The path of a method, of all methods of a service, or of one method of any service."""
    kind, service, method = value.get("type"), value.get("service"), value.get("method")
    exact = kind is None or kind.text() == "Exact"
    if service is None and method is None:
        raise value.problem("a method of gRPC needs service or method", "the API server refuses it")
    for given, form in ((service, SERVICE_NAME), (method, METHOD_NAME)):
        if exact and given is not None and not form.fullmatch(given.text()):
            raise given.problem(f"{given.shown} is no name of a service or method of gRPC")
    if service is None:
        return regex(value, f"/[^/]+/{method.text() if method else ''}")
    if exact and method is None:
        return StringMatch(MatchKind.PATH_PREFIX, f"/{service.text()}", value.location)
    if exact and method is not None:
        return StringMatch(MatchKind.EXACT, f"/{service.text()}/{method.text()}", value.location)
    return regex(value, f"/{service.text()}/{method.text() if method else '.+'}")
