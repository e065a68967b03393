"""What istiod hands to one proxy: the services and VirtualServices that are exported to its namespace, in its order.

After istio/istio pilot/pkg/model/push_context.go (initServiceRegistry, initVirtualServices, initGateways) and
sidecar.go (SelectVirtualServices, collectImportedServices).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import chain
from typing import Protocol, TypeVar

from meshproof.envoy.node import Kind, Proxy
from meshproof.envoy.reuse import reused
from meshproof.mesh.model.gateway import Gateway
from meshproof.mesh.model.index import Hosts, by_hosts, grouped
from meshproof.mesh.model.kubernetes import Service, ServicePort, Workload
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.virtual_service import MESH_GATEWAY, HttpRoute, VirtualService
from meshproof.records import dataclass

PUBLIC, PRIVATE, NONE = "*", ".", "~"
ANY_PORT = 0


class Config(Protocol):
    """What istiod sorts by."""

    @property
    def created(self) -> str: ...

    @property
    def name(self) -> str: ...

    @property
    def namespace(self) -> str: ...


One = TypeVar("One", bound=Config)


def by_creation(configs: Sequence[One]) -> list[One]:
    """istiod's order; what has no timestamp is yet to be made, and is in the order in which it will be."""
    ready = [one for one in configs if one.created]
    ready.sort(key=lambda one: one.namespace)
    ready.sort(key=lambda one: one.name)
    ready.sort(key=lambda one: one.created)
    return ready + [one for one in configs if not one.created]


def exported(entries: Sequence[str], owner: str) -> frozenset[str] | None:
    """The namespaces that an object is exported to; None stands for all of them."""
    if not entries or PUBLIC in entries:
        return None
    if NONE in entries:
        return frozenset()
    return frozenset(owner if entry == PRIVATE else entry for entry in entries)


def is_visible(service: Service, namespace: str) -> bool:
    to = exported(service.export_to, service.namespace)
    return not service.unlisted and (to is None or namespace in to)


def virtual_services(mesh: Mesh, gateway: str, namespace: str) -> tuple[VirtualService, ...]:
    """Those bound to a gateway: the namespace's private ones, then what others export to it, then the public ones."""

    def select() -> tuple[VirtualService, ...]:
        private: list[VirtualService] = []
        given: list[VirtualService] = []
        public: list[VirtualService] = []
        for config in by_creation(mesh.bound_to(gateway)):
            if gateway == MESH_GATEWAY and config.gateway_api and not has_parent(mesh, config, namespace):
                continue
            to = exported(config.export_to, config.namespace)
            if to is None:
                public.append(config)
            elif namespace in to:
                (private if config.namespace == namespace else given).append(config)
        if gateway == MESH_GATEWAY:
            lists = [_consumer_first(one, namespace) for one in (private, given, public)]
        else:
            lists = [private, given, _consumer_first(public, namespace)]
        return tuple(chain.from_iterable(lists))

    return mesh.once(("envoy", "virtual services", gateway, namespace), select)


def _consumer_first(configs: Sequence[VirtualService], namespace: str) -> list[VirtualService]:
    """Routes of the Gateway API that stand in the proxy's own namespace come before all others."""
    return sorted(configs, key=lambda one: not (one.gateway_api and one.namespace == namespace))


def has_parent(mesh: Mesh, route: VirtualService, namespace: str) -> bool:
    """Whether a Gateway API route counts for a sidecar: it stands in the proxy's namespace, or in its service's.

    One for connections counts for all.
    """
    if route.connections:
        return True
    services = (imported_called(mesh, host, namespace) for host in route.hosts)
    return any(one is not None and route.namespace in (one.namespace, namespace) for one in services)


def mesh_hosts(mesh: Mesh, namespace: str) -> Hosts:
    """The places of the hosts in what `virtual_services` gives for a sidecar."""
    return mesh.once(
        ("envoy", "mesh hosts", namespace),
        lambda: by_hosts([one.hosts for one in virtual_services(mesh, MESH_GATEWAY, namespace)]),
    )


@dataclass(frozen=True, slots=True)
class Imported:
    """The services that listeners and routes of a namespace's proxies know: in order, by host, and by port number."""

    services: tuple[Service, ...]
    called: Mapping[str, Service]
    on: Mapping[int, tuple[tuple[Service, ServicePort], ...]]


def _import(services: Sequence[Service], namespace: str) -> Imported:
    """Of several of one host that of the namespace itself, then Kubernetes' own, then the first."""
    called: dict[str, Service] = {}
    for one in sorted(services, key=lambda one: one.hostname != ""):
        if is_visible(one, namespace):
            chosen = called.get(one.host)
            if chosen is None or one.namespace == namespace != chosen.namespace:
                called[one.host] = one
    found = tuple(one for one in services if called.get(one.host) is one)
    return Imported(found, called, grouped((port.number, (one, port)) for one in found for port in one.ports))


def _imported(mesh: Mesh, namespace: str) -> Imported:
    return mesh.once(
        ("envoy", "imported", namespace),
        lambda: reused(("imported", namespace), mesh.services, lambda: _import(mesh.services, namespace)),
    )


def imported(mesh: Mesh, namespace: str) -> tuple[Service, ...]:
    """The services that listeners and routes of a namespace's proxies know."""
    return _imported(mesh, namespace).services


def imported_on(mesh: Mesh, port: int, namespace: str) -> tuple[tuple[Service, ServicePort], ...]:
    """Those that have a port of that number, with it."""
    return _imported(mesh, namespace).on.get(port, ())


def imported_called(mesh: Mesh, host: str, namespace: str) -> Service | None:
    """The one of that host."""
    return _imported(mesh, namespace).called.get(host)


def aliases_on(mesh: Mesh, port: int, namespace: str) -> tuple[Service, ...]:
    """The ExternalNames among the services, which rules are for as for any other: those with a port of that number."""
    seen = (one for one in mesh.aliases if is_visible(one, namespace))
    return tuple(one for one in seen if any(each.number == port for each in one.ports))


def with_clusters(mesh: Mesh, proxy: Proxy) -> Mapping[str, Service]:
    """The services, by host, that a proxy gets clusters for, each with the ports that it gets them for.

    A sidecar also has those of its own namespace that a VirtualService leads to, exported or not, with the ports that
    it leads to.
    """
    return mesh.once(("envoy", "clusters", proxy.kind, proxy.namespace), lambda: _collected(mesh, proxy))


def share_clusters(several: Sequence[Mesh], proxy: Proxy) -> None:
    """Give each of these what all of them have: appendSidecarServices, where ports of one service add up."""
    found: dict[str, Service] = {}
    for one in [each for mesh in several for each in _collected(mesh, proxy).values()]:
        known = found.get(one.host)
        if known is None:
            found[one.host] = one
        elif known.namespace == one.namespace:
            numbers = {port.number for port in known.ports}
            more = tuple(port for port in one.ports if port.number not in numbers)
            found[one.host] = replace(known, ports=(*known.ports, *more))
    for mesh in several:
        mesh.once(("envoy", "clusters", proxy.kind, proxy.namespace), lambda: found)


def _collected(mesh: Mesh, proxy: Proxy) -> dict[str, Service]:
    found = {one.host: one for one in imported(mesh, proxy.namespace)}
    near = (one for one in mesh.services if one.unlisted or one.namespace == proxy.namespace)
    own = {one.host for one in near if one.host not in found}
    led_to = _destinations(mesh, proxy.namespace) if own and proxy.kind is Kind.SIDECAR else {}
    for host, numbers in led_to.items():
        service = _inferred(mesh, host, proxy.namespace)
        if service is None or host in found:
            continue
        some = tuple(port for port in service.ports if ANY_PORT in numbers or port.number in numbers)
        if some:
            found[host] = replace(service, ports=some)
    return found


def _inferred(mesh: Mesh, host: str, namespace: str) -> Service | None:
    """The service that a rule's destination means: the namespace's own, else one that its Sidecar alone leaves out."""
    several = mesh.services_of(host)
    own = [one for one in several if one.namespace == namespace]
    visible = [one for one in several if one.unlisted and is_visible(replace(one, unlisted=False), namespace)]
    return next(iter((*own, *visible)), None)


def _destinations(mesh: Mesh, namespace: str) -> dict[str, set[int]]:
    """The ports of each host that the rules of a sidecar lead to; rules for other source namespaces are left out."""
    found: dict[str, set[int]] = {}
    for config in virtual_services(mesh, MESH_GATEWAY, namespace):
        for rule in config.rules:
            wanted = {match.source_namespace for match in rule.matches} - {""}
            if wanted and namespace not in wanted:
                continue
            aims = (one.destination for one in rule.destinations)
            copied = rule.mirrors if isinstance(rule, HttpRoute) else ()
            for aim in chain(aims, (one.destination for one in copied)):
                found.setdefault(aim.host, set()).add(ANY_PORT if aim.port is None else aim.port)
    return found


def has_addresses(mesh: Mesh, service: Service, port: ServicePort) -> bool:
    """Whether a listener can be at the service's address: a headless one has none but those of pods with the port."""
    if not service.headless:
        return True
    return any(one.replicas and _listens(one, port) for one in mesh.behind(service))


def _listens(workload: Workload, port: ServicePort) -> bool:
    """Whether an EndpointSlice has a workload's pods for a port: by name where they have such a one."""
    if isinstance(port.target, int):
        return True
    names = (port.target,) if workload.in_pods else (port.target, port.name)
    return any(one.name in names for one in workload.ports)


def gateways(mesh: Mesh, proxy: Proxy) -> list[Gateway]:
    """Those that select the proxy's pod, the oldest first."""
    return by_creation([one for one in mesh.gateways if one.selector.items() <= proxy.labels.items()])
