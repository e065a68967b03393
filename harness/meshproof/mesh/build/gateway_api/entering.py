"""HTTPRoutes as VirtualServices of gateways: one for each listener and host.

What istiod does: pilot/pkg/config/kube/gateway/conversion.go (referenceAllowed, hostnameAllowedByIsolation) and
route_collections.go (HTTPRouteCollection, mergeHTTPRoutes).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from meshproof.mesh.alike import nearest
from meshproof.mesh.build.findings import Findings
from meshproof.mesh.build.gateway_api.attach import AnyRoute, Known, alone, by_age, mirrored
from meshproof.mesh.build.gateway_api.backends import Backend
from meshproof.mesh.build.gateway_api.gateway import Entrance
from meshproof.mesh.build.gateway_api.http_route import NO_BACKEND, Route, Rule
from meshproof.mesh.build.gateway_api.listeners.listener import ANY, Listener
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
    gateways = {(one.kind, one.key): one for one in entrances}
    merged: dict[tuple[str, str], dict[int, tuple[Route, Gateway]]] = {}
    for route in by_age(routes):
        for parent in route.parents:
            if parent.kind not in (GATEWAY, LISTENER_SET):
                continue
            found = gateways.get((parent.kind, f"{parent.namespace}/{parent.name}"))
            if found is None:
                findings.unmodelled_parts.append(unknown(route, parent, [key for _, key in gateways]))
                continue
            attached = dict(_attached(route, parent, found))
            for (key, host), gateway in attached.items():
                merged.setdefault((key, host), {})[id(route)] = (route, gateway)
            if not attached and found.whole:
                findings.notice(parent.location, why_alone(route, parent, found), Topic.ROUTE_ALONE)
                if len(route.parents) == 1:
                    findings.unmodelled_parts.append(alone(route))
    pairs = ((host, [*several.values()]) for (_, host), several in merged.items())
    made = (_virtual_service(host, several, grants, known, findings) for host, several in pairs)
    return tuple(sorted(made, key=lambda one: one.name))


def unknown(route: AnyRoute, parent: Parent, known: Iterable[str]) -> Unmodelled:
    """That a parent is not known, so that nobody knows what the route does there."""
    key = f"{parent.namespace}/{parent.name}"
    touches = (Asked(route.hostnames or (ANY,), (key,) if parent.kind == GATEWAY else ()),)
    why = f"the {parent.kind} {key} is not among these manifests{nearest(key, known)}"
    return Unmodelled(route.kind, route.called, parent.location, why, touches, WRITE, topic=Topic.PARENT_MISSING)


def _attached(route: Route, parent: Parent, entrance: Entrance) -> Iterator[tuple[tuple[str, str], Gateway]]:
    """The listeners and hosts that a route has by one of its parents."""
    hosts = route.hostnames or (ANY,)
    for pair in entrance.listeners:
        listener, gateway = pair
        if not is_meant(parent, listener) or not listener.takes(route.kind, route.namespace):
            continue
        for host in hosts:
            if overlap(listener.hostname or ANY, host) and not _belongs_elsewhere(host, pair, entrance.listeners):
                yield (gateway.key, host), gateway


def is_meant(parent: Parent, listener: Listener) -> bool:
    """Whether a parentRef is for a listener, its hostname left aside."""
    return parent.port in (None, listener.server.port) and parent.section in ("", listener.section)


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


def why_alone(route: AnyRoute, parent: Parent, entrance: Entrance) -> str:
    """Why no listener takes a route; istiod looks at the port first."""
    name = f"{entrance.kind} {entrance.key}"
    several = [one for one, _ in entrance.listeners]
    if not several:
        return f"istiod opens no listener of {name}, and attaches no route to it"
    if parent.port is not None and not any(one.server.port == parent.port for one in several):
        ports = " and ".join(str(port) for port in sorted({one.server.port for one in several}))
        known = f" (its listeners have {ports})" if ports else ""
        return f"{name} has no listener of port {parent.port}{known}: istiod attaches no route to it"
    meant = [one for one in several if is_meant(parent, one)]
    if not meant:
        of_port = f" on port {parent.port}" if parent.port is not None else ""
        return f"{name} has no listener called {parent.section}{of_port}: istiod attaches no route to it"
    if not any(one.takes(route.kind, route.namespace) for one in meant):
        article = "an" if route.kind[0] in "H" else "a"
        taken = f"takes {article} {route.kind} of namespace {route.namespace}"
        return f"no listener of {name} {taken} (protocol, allowedRoutes)"
    hosts = " and ".join(route.hostnames or (ANY,))
    return f"no listener of {name} that takes this route is for {hosts}"


def _virtual_service(
    host: str,
    several: Sequence[tuple[Route, Gateway]],
    grants: Sequence[Grant],
    known: Known,
    findings: Findings,
) -> VirtualService:
    oldest, gateway = several[0]
    rules = [
        mirrored(_granted(rule, route.namespace, route.kind, grants, findings), known, findings)
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


def _granted(rule: Rule, namespace: str, kind: str, grants: Sequence[Grant], findings: Findings) -> Rule:
    """The rule with backends of other namespaces that grant nothing as if they did not exist."""

    def denied(aim: Backend) -> bool:
        return aim.namespace != namespace and not any(one.allows(aim, namespace, kind) for one in grants)

    def without(one: RouteDestination, aim: Backend) -> RouteDestination:
        if not denied(aim):
            return one
        where, shown = one.destination.location, f"{aim.kind} {aim.namespace}/{aim.name}"
        text = f"no ReferenceGrant lets {kind}s of {namespace} send to {shown}: a gateway answers {NO_BACKEND}"
        findings.notice(where, text, Topic.NOT_GRANTED)
        return replace(one, destination=replace(one.destination, host=shown))

    pairs = zip(rule.route.destinations, rule.backends, strict=True)
    destinations = tuple(without(one, aim) for one, aim in pairs)
    copies = zip(rule.route.mirrors, rule.mirrored, strict=True)
    mirrors = tuple(
        replace(one, destination=replace(one.destination, host="")) if denied(aim) else one for one, aim in copies
    )
    return replace(rule, route=replace(rule.route, destinations=destinations, mirrors=mirrors))
