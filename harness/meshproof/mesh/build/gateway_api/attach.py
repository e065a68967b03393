"""HTTPRoutes as VirtualServices of the mesh: one for each namespace, parent and port.

What istiod does: pilot/pkg/config/kube/gateway/route_collections.go (HTTPRouteCollection, mergeHTTPRoutes). Rules of
several routes for one parent are one list, of which each request gets the most specific.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Protocol, TypeVar

from meshproof.errors import Location
from meshproof.mesh.build.findings import Findings
from meshproof.mesh.build.gateway_api.http_route import Route, Rule
from meshproof.mesh.build.gateway_api.parents import GATEWAY, SERVICE, SERVICE_ENTRY, Parent
from meshproof.mesh.model.kubernetes import CLUSTER_DOMAIN
from meshproof.mesh.model.topic import Topic
from meshproof.mesh.model.unmodelled import Asked, Unmodelled
from meshproof.mesh.model.virtual_service import MESH_GATEWAY, HttpRoute, RouteMatch, VirtualService

# Where to look a host up: whether anything is called so, and the hosts of a ServiceEntry (`namespace/name`).
Known = Callable[[str], bool]
Entries = Callable[[str], tuple[str, ...]]
FIX = "correct its parentRefs"


class AnyRoute(Protocol):
    """A route of whatever kind."""

    @property
    def kind(self) -> str: ...

    @property
    def called(self) -> str: ...

    @property
    def name(self) -> str: ...

    @property
    def namespace(self) -> str: ...

    @property
    def parents(self) -> tuple[Parent, ...]: ...

    @property
    def hostnames(self) -> tuple[str, ...]: ...

    @property
    def location(self) -> Location: ...

    @property
    def created(self) -> str: ...


Aged = TypeVar("Aged", bound=AnyRoute)


def within_the_mesh(
    routes: Iterable[Route], known: Known, entries: Entries, findings: Findings
) -> tuple[VirtualService, ...]:
    """The VirtualServices of all routes whose parents are Services and ServiceEntries."""
    merged: dict[tuple[str, ...], list[tuple[Route, int | None]]] = {}
    for route in by_age(routes):
        attached = False
        for parent in route.parents:
            for host in hosts_of(parent, known, entries, findings):
                attached = True
                port = (str(parent.port),) if parent.port else ()
                merged.setdefault((route.namespace, *port, host), []).append((route, parent.port))
        if not attached and all(one.kind in (SERVICE, SERVICE_ENTRY) for one in route.parents):
            findings.unmodelled_parts.append(alone(route))
    made = [_virtual_service(key, several, known, findings) for key, several in merged.items()]
    return tuple(sorted(made, key=lambda one: one.name))


def alone(route: AnyRoute) -> Unmodelled:
    """That a route attaches to nothing, so that no request shows what it says; others are answered as without it."""
    why = "it attaches to none of its parents, so its rules are not in force"
    return Unmodelled(route.kind, route.called, route.location, why, (), FIX, topic=Topic.ROUTE_ALONE)


def asked(route: AnyRoute, entries: Entries) -> tuple[Asked, ...]:
    """What is asked of the parents of a route."""
    return tuple(_of(route, one, entries) for one in route.parents)


def _of(route: AnyRoute, parent: Parent, entries: Entries) -> Asked:
    key = f"{parent.namespace}/{parent.name}"
    if parent.kind == SERVICE:
        return Asked((f"{parent.name}.{parent.namespace}.{CLUSTER_DOMAIN}",), (MESH_GATEWAY,))
    if parent.kind == SERVICE_ENTRY:
        return Asked(entries(key), (MESH_GATEWAY,))
    return Asked(route.hostnames or ("*",), (key,) if parent.kind == GATEWAY else ())


def by_age(routes: Iterable[Aged]) -> list[Aged]:
    """The oldest first; what is not made yet is the youngest."""
    return sorted(routes, key=lambda one: (not one.created, one.created, one.namespace, one.name))


def hosts_of(parent: Parent, known: Known, entries: Entries, findings: Findings) -> tuple[str, ...]:
    """The hosts of a parent within the mesh."""
    if parent.kind == SERVICE_ENTRY:
        hosts = entries(f"{parent.namespace}/{parent.name}")
    elif parent.kind == SERVICE:
        host = f"{parent.name}.{parent.namespace}.{CLUSTER_DOMAIN}"
        hosts = (host,) if known(host) else ()
    else:
        return ()
    if not hosts:
        missing = f"{parent.kind} {parent.namespace}/{parent.name} is not among these manifests"
        findings.notice(parent.location, f"{missing}: istiod attaches no route to it", Topic.PARENT_MISSING)
    return hosts


def _virtual_service(
    key: tuple[str, ...], several: list[tuple[Route, int | None]], known: Known, findings: Findings
) -> VirtualService:
    oldest = several[0][0]
    rules = [_on(port, mirrored(rule, known, findings)) for route, port in several for rule in route.rules]
    return VirtualService(
        # istiod's own name, by which it orders what is equally old.
        "~".join(key),
        oldest.namespace,
        (key[-1],),
        (MESH_GATEWAY,),
        tuple(rules),
        oldest.location,
        created=oldest.created,
        gateway_api=True,
    )


def mirrored(rule: Rule, known: Known, findings: Findings) -> HttpRoute:
    """The rule without the mirrors of what does not exist: istiod leaves those out."""
    kept = []
    for mirror, aim in zip(rule.route.mirrors, rule.mirrored, strict=True):
        if known(mirror.destination.host):
            kept.append(mirror)
        else:
            where = mirror.destination.location
            text = f"there is no {aim.kind} {aim.namespace}/{aim.name}: istiod leaves this mirror out"
            findings.notice(where, text, Topic.BACKEND_MISSING)
    return replace(rule.route, mirrors=tuple(kept))


def _on(port: int | None, route: HttpRoute) -> HttpRoute:
    """The rule for requests to one port of its parent alone."""
    if port is None:
        return route
    matches: Iterator[RouteMatch] = (replace(one, port=port) for one in route.matches)
    return replace(route, matches=tuple(matches) or (RouteMatch(route.location, port=port),))
