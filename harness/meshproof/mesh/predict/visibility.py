"""What of a mesh the clients of a namespace see: `exportTo`, and which object comes first.

Sources: https://istio.io/latest/docs/reference/config/networking/virtual-service/#VirtualService (exportTo),
https://istio.io/latest/docs/reference/config/annotations/#NetworkingExportTo, and for the order
https://istio.io/latest/docs/ops/best-practices/traffic-management/#split-virtual-services with istiod's own
(istio/istio pilot/pkg/model/push_context.go, initVirtualServices).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from meshproof.mesh.model.destination_rule import DestinationRule
from meshproof.mesh.model.gateway import Gateway
from meshproof.mesh.model.index import Hosts, by_hosts
from meshproof.mesh.model.kubernetes import CLUSTER_DOMAIN, Service, ServicePort
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.virtual_service import MESH_GATEWAY, HttpRoute, TcpRoute, VirtualService
from meshproof.records import dataclass

if TYPE_CHECKING:
    from meshproof.mesh.model.sidecar import Sidecar

ALL, OWN, NOBODY = "*", ".", "~"
WHOLE = 0


@dataclass(frozen=True, slots=True)
class Seen:
    """The VirtualServices of a gateway (or of the mesh) in the order in which they count; `hosts` are places in it."""

    several: tuple[VirtualService, ...]
    hosts: Hosts


def sees(namespace: str, export_to: Sequence[str], owner: str) -> bool:
    """Whether clients in `namespace` see what an object of the namespace `owner` exports."""
    if not export_to or ALL in export_to:
        return True
    return NOBODY not in export_to and (namespace in export_to or (OWN in export_to and namespace == owner))


def oldest_first(several: Iterable[VirtualService | DestinationRule | Gateway | Sidecar]) -> dict[int, int]:
    """The rank of each object, by its id: the oldest first, at last those whose age is not told, as they come.

    Of those made in one second istiod goes by the names.
    """
    found = list(several)
    told = sorted((one for one in found if one.created), key=lambda one: (one.created, one.name, one.namespace))
    return {id(one): rank for rank, one in enumerate([*told, *(one for one in found if not one.created)])}


def virtual_services(mesh: Mesh, gateway: str, namespace: str) -> Seen:
    """Those of a gateway (`mesh`, or `namespace/name`) that a proxy in `namespace` has.

    What is exported to the proxy's own namespace alone comes before what others export to it by name, and both
    before what everybody sees.
    """
    return mesh.once(("predict", "seen", gateway, namespace), lambda: _seen(mesh, gateway, namespace))


def _seen(mesh: Mesh, gateway: str, namespace: str) -> Seen:
    bound = mesh.bound_to(gateway)
    ages = oldest_first(bound)

    def rank(one: VirtualService) -> tuple[bool, bool, bool, int]:
        public = not one.export_to or ALL in one.export_to
        # Of the Gateway API the consumer's own routes come first, at a gateway among those that everybody sees.
        own = one.gateway_api and one.namespace == namespace and (public or gateway == MESH_GATEWAY)
        return public, not public and one.namespace != namespace, not own, ages[id(one)]

    found = [one for one in bound if sees(namespace, one.export_to, one.namespace)]
    if gateway == MESH_GATEWAY:
        found = [one for one in found if not one.gateway_api or one.connections or is_for(mesh, one, namespace)]
    several = tuple(sorted(found, key=rank))
    return Seen(several, by_hosts([one.hosts for one in several]))


def is_for(mesh: Mesh, route: VirtualService, namespace: str) -> bool:
    """Whether a route of the Gateway API is for clients in `namespace`: its own, or all where its Service is with it.

    Source: https://gateway-api.sigs.k8s.io/mesh/#how-it-works (producer and consumer routes).
    """
    parents = [found for host in route.hosts if (found := service(mesh, host, namespace))]
    return any(route.namespace in (namespace, one.namespace) for one in parents)


def service(mesh: Mesh, host: str, namespace: str) -> Service | None:
    """The Service of that fully qualified host that clients in `namespace` see.

    Where a ServiceEntry has that host, too: the one of their own namespace, else that of Kubernetes, else the oldest.
    """
    first: Service | None = None
    for one in mesh.services_of(host):
        if one.unlisted or not sees(namespace, one.export_to, one.namespace):
            continue
        if one.namespace == namespace:
            return one
        first = first or one
    return first


def is_unexported(mesh: Mesh, host: str, namespace: str) -> bool:
    """Whether a host is a Service's of `namespace` that its clients do not see, whatever their Sidecar says."""
    several = mesh.services_of(host)
    own = any(one.namespace == namespace for one in several)
    return own and not any(one.unlisted or sees(namespace, one.export_to, one.namespace) for one in several)


def pattern(mesh: Mesh, name: str, namespace: str) -> Service | None:
    """The ServiceEntry with the narrowest host that is a pattern and covers a name, of those that clients see."""
    several = (service(mesh, one, namespace) for one in mesh.patterns_for(name))
    return next((one for one in several if one is not None), None)


def alias(mesh: Mesh, host: str, namespace: str) -> Service | None:
    """The ExternalName that a client of a namespace means by a name; to whom it is exported counts for nothing."""
    if not mesh.aliases:
        return None
    name = host.lower()
    whole = (
        name.removesuffix("."),
        f"{name}.cluster.local",
        f"{name}.{CLUSTER_DOMAIN}",
        f"{name}.{namespace}.{CLUSTER_DOMAIN}",
    )
    return next((found for one in whole if (found := mesh.alias(one))), None)


def alias_on(mesh: Mesh, host: str, port: int, namespace: str) -> tuple[Service, ServicePort] | None:
    """The ExternalName of that host with its port of that number, if rules for it are for clients in `namespace`."""
    found = mesh.alias(host) if mesh.aliases else None
    if found is None or not sees(namespace, found.export_to, found.namespace):
        return None
    return next(((found, one) for one in found.ports if one.number == port), None)


def services_on(mesh: Mesh, port: int, namespace: str) -> tuple[tuple[Service, ServicePort], ...]:
    """The Services that clients in `namespace` see and that have a port of that number, with it."""
    return mesh.once(
        ("predict", "on", str(port), namespace),
        lambda: tuple(pair for pair in mesh.services_on(port) if service(mesh, pair[0].host, namespace) is pair[0]),
    )


def destination(mesh: Mesh, host: str, port: int, namespace: str, *, within: bool) -> Service | None:
    """The Service that a rule may lead to; a sidecar (`within` the mesh) also has those of its own namespace.

    What a VirtualService that it sees leads to in its own namespace a sidecar has whether or not it is exported.
    """
    found = service(mesh, host, namespace)
    hidden = None if found else _hidden(mesh, host, namespace)
    if hidden is None or not within:
        return found
    led_to = led(mesh, namespace)
    return hidden if (host, port) in led_to or (host, WHOLE) in led_to else None


def _hidden(mesh: Mesh, host: str, namespace: str) -> Service | None:
    """The Service of a host that is of a namespace itself, or that its clients would see but for their Sidecar."""
    several = mesh.services_of(host)
    own = next((one for one in several if one.namespace == namespace), None)
    unlisted = (one for one in several if one.unlisted and sees(namespace, one.export_to, one.namespace))
    return own or next(unlisted, None)


def led(mesh: Mesh, namespace: str) -> frozenset[tuple[str, int]]:
    """Hosts and ports (0: all ports) that the rules for clients of a namespace lead to."""
    return mesh.once(("predict", "led to", namespace), lambda: frozenset(_led_to(mesh, namespace)))


def _led_to(mesh: Mesh, namespace: str) -> Iterator[tuple[str, int]]:
    for one in virtual_services(mesh, MESH_GATEWAY, namespace).several:
        for route in one.rules:
            if _concerns(route, namespace):
                yield from ((aim.host, aim.port or WHOLE) for aim in route.aims)


def _concerns(route: HttpRoute | TcpRoute, namespace: str) -> bool:
    """Whether istiod takes a rule to be for clients of a namespace: by the conditions that name one, the last first."""
    named = [match.source_namespace for match in route.matches if match.source_namespace]
    return not named or namespace in named
