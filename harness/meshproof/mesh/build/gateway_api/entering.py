"""HTTPRoutes as VirtualServices of gateways: one for each listener and host.

What istiod does: pilot/pkg/config/kube/gateway/conversion.go (referenceAllowed, hostnameAllowedByIsolation) and
route_collections.go (HTTPRouteCollection, mergeHTTPRoutes).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from meshproof.mesh.build.findings import Findings
from meshproof.mesh.build.gateway_api.attach import Known, alone, by_age, mirrored
from meshproof.mesh.build.gateway_api.backends import Backend
from meshproof.mesh.build.gateway_api.gateway import Entrance
from meshproof.mesh.build.gateway_api.http_route import NO_BACKEND, Route, Rule
from meshproof.mesh.build.gateway_api.listener import ANY, Listener
from meshproof.mesh.build.gateway_api.parents import GATEWAY, LISTENER_SET, Parent
from meshproof.mesh.build.gateway_api.reference_grant import Grant
from meshproof.mesh.model.gateway import Gateway
from meshproof.mesh.model.names import covers, overlap
from meshproof.mesh.model.topic import Topic
from meshproof.mesh.model.unmodelled import Asked, Unmodelled
from meshproof.mesh.model.virtual_service import RouteDestination, VirtualService

Pair = tuple[Listener, Gateway]

WRITE = "write it beside these manifests"


def at_gateways(
    routes: Iterable[Route], entrances: Iterable[Entrance], grants: Sequence[Grant], known: Known, findings: Findings
) -> tuple[VirtualService, ...]:
    """The VirtualServices of all routes whose parents are Gateways; of other parents it says what they touch."""
    gateways = {one.key: one for one in entrances}
    merged: dict[tuple[str, str], dict[int, tuple[Route, Gateway]]] = {}
    for route in by_age(routes):
        for parent in route.parents:
            if parent.kind not in (GATEWAY, LISTENER_SET):
                continue
            found = gateways.get(f"{parent.namespace}/{parent.name}") if parent.kind == GATEWAY else None
            if found is None:
                findings.unmodelled_parts.append(_unknown(route, parent))
                continue
            attached = dict(_attached(route, parent, found))
            for (key, host), gateway in attached.items():
                merged.setdefault((key, host), {})[id(route)] = (route, gateway)
            if not attached and found.whole:
                findings.notice(parent.location, _why_alone(route, parent, found), Topic.ROUTE_ALONE)
                if len(route.parents) == 1:
                    findings.unmodelled_parts.append(alone(route))
    pairs = ((host, [*several.values()]) for (_, host), several in merged.items())
    made = (_virtual_service(host, several, grants, known, findings) for host, several in pairs)
    return tuple(sorted(made, key=lambda one: one.name))


def _unknown(route: Route, parent: Parent) -> Unmodelled:
    key = f"{parent.namespace}/{parent.name}"
    lacking = "is not among these manifests" if parent.kind == GATEWAY else "is not modelled"
    touches = (Asked(route.hostnames or (ANY,), (key,) if parent.kind == GATEWAY else ()),)
    why, topic = f"the {parent.kind} {key} {lacking}", Topic.PARENT_MISSING if parent.kind == GATEWAY else ""
    name, needs = f"HTTPRoute {route.namespace}/{route.name}", WRITE if parent.kind == GATEWAY else ""
    return Unmodelled("HTTPRoute", name, parent.location, why, touches, needs, topic=topic)


def _attached(route: Route, parent: Parent, entrance: Entrance) -> Iterator[tuple[tuple[str, str], Gateway]]:
    """The listeners and hosts that a route has by one of its parents."""
    hosts = route.hostnames or (ANY,)
    for pair in entrance.listeners:
        listener, gateway = pair
        if not _is_meant(parent, listener) or not _is_allowed(route, listener):
            continue
        for host in hosts:
            if overlap(listener.hostname or ANY, host) and not _belongs_elsewhere(host, pair, entrance.listeners):
                yield (gateway.key, host), gateway


def _is_meant(parent: Parent, listener: Listener) -> bool:
    return parent.port in (None, listener.server.port) and parent.section in ("", listener.section)


def _is_allowed(route: Route, listener: Listener) -> bool:
    return listener.http and listener.allows(route.namespace)


def _belongs_elsewhere(host: str, own: Pair, several: Iterable[Pair]) -> bool:
    """Whether a listener of the same port is for fewer hosts, this one among them."""
    here = own[0]
    if here.hostname and not here.hostname.startswith("*"):
        return False
    served = (here.server.port, here.server.protocol)
    return any(
        other.hostname != here.hostname
        and len(other.hostname) >= len(here.hostname)
        and bool(other.hostname)
        and covers(other.hostname, host)
        for other, _ in several
        if (other.server.port, other.server.protocol) == served
    )


def _why_alone(route: Route, parent: Parent, entrance: Entrance) -> str:
    meant = [one for one, _ in entrance.listeners if _is_meant(parent, one)]
    if not meant:
        wanted = f"called {parent.section}" if parent.section else f"of port {parent.port}"
        return f"Gateway {entrance.key} has no listener {wanted}: istiod attaches no route to it"
    if not any(_is_allowed(route, one) for one in meant):
        place = route.namespace
        return f"no listener of Gateway {entrance.key} takes an HTTPRoute of namespace {place} (allowedRoutes)"
    hosts = " and ".join(route.hostnames or (ANY,))
    return f"no listener of Gateway {entrance.key} that takes this route is for {hosts}"


def _virtual_service(
    host: str,
    several: Sequence[tuple[Route, Gateway]],
    grants: Sequence[Grant],
    known: Known,
    findings: Findings,
) -> VirtualService:
    oldest, gateway = several[0]
    rules = [
        mirrored(_granted(rule, route.namespace, grants, findings), known, findings)
        for route, _ in several
        for rule in route.rules
    ]
    return VirtualService(
        "~".join((*gateway.key.split("/"), host)),
        oldest.namespace,
        (host,),
        (gateway.key,),
        tuple(rules),
        oldest.location,
        created=oldest.created,
        gateway_api=True,
    )


def _granted(rule: Rule, namespace: str, grants: Sequence[Grant], findings: Findings) -> Rule:
    """The rule with backends of other namespaces that grant nothing as if they did not exist."""

    def denied(aim: Backend) -> bool:
        return aim.namespace != namespace and not any(one.allows(aim, namespace) for one in grants)

    def without(one: RouteDestination, aim: Backend) -> RouteDestination:
        if not denied(aim):
            return one
        where, shown = one.destination.location, f"{aim.kind} {aim.namespace}/{aim.name}"
        text = f"no ReferenceGrant lets HTTPRoutes of {namespace} send to {shown}: a gateway answers {NO_BACKEND}"
        findings.notice(where, text, Topic.NOT_GRANTED)
        return replace(one, destination=replace(one.destination, host=shown))

    pairs = zip(rule.route.destinations, rule.backends, strict=True)
    destinations = tuple(without(one, aim) for one, aim in pairs)
    copies = zip(rule.route.mirrors, rule.mirrored, strict=True)
    mirrors = tuple(
        replace(one, destination=replace(one.destination, host="")) if denied(aim) else one for one, aim in copies
    )
    return replace(rule, route=replace(rule.route, destinations=destinations, mirrors=mirrors))
