"""What a client's sidecar is handed of the mesh where a Sidecar resource limits it.

After istio/istio pilot/pkg/model/push_context.go (getSidecarScope), sidecar.go (convertIstioListenerToWrapper,
selectServices) and virtualservice.go (SelectVirtualServices).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field, replace

from meshproof.envoy.hosts import covers, is_wildcard, matches
from meshproof.envoy.node import Kind, Proxy
from meshproof.envoy.visibility import by_creation, is_visible, share_clusters, virtual_services
from meshproof.mesh.model.kubernetes import CLUSTER_DOMAIN, ROOT_NAMESPACE
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.sidecar import Imported, Sidecar
from meshproof.mesh.model.virtual_service import MESH_GATEWAY, VirtualService
from meshproof.records import dataclass

ON_PORTS = ("envoy", "sidecar scope", "on ports")
WILDCARD, CURRENT = "*", "."
OF_ISTIO = f".{ROOT_NAMESPACE}.{CLUSTER_DOMAIN}"


@dataclass(slots=True)
class HostClassification:
    """The hosts of one namespace."""

    hosts: list[str] = field(default_factory=list)
    excluded: list[str] = field(default_factory=list)

    def excludes(self, host: str) -> bool:
        return any(covers(one, host) for one in self.excluded)

    def imports(self, host: str) -> bool:
        return any(one == host or (is_wildcard(one) and covers(one, host)) for one in self.hosts)

    def routes(self, host: str) -> bool:
        return any(matches(one, host) for one in self.hosts)


def sidecar_of(mesh: Mesh, proxy: Proxy) -> Sidecar | None:
    """Those with a selector come first; without any of its namespace the root namespace's counts."""
    several = by_creation(mesh.sidecars)
    here = [one for one in several if one.namespace == proxy.namespace]
    for one in (*(one for one in here if one.selector), *(one for one in here if not one.selector)):
        if one.selector.items() <= proxy.labels.items():
            return one
    return next((one for one in several if one.namespace == ROOT_NAMESPACE and not one.selector), None)


def classified(hosts: Iterable[Imported], namespace: str) -> dict[str, HostClassification]:
    found: dict[str, HostClassification] = {}
    for one in hosts:
        own = namespace if one.namespace == CURRENT else one.namespace
        entry = found.setdefault(own, HostClassification())
        (entry.excluded if one.excluded else entry.hosts).append(one.host)
    return found


def sidecar_scope(mesh: Mesh, proxy: Proxy) -> Mesh:
    """The mesh for a proxy: a service that it does not import is only known as what rules lead to."""
    if proxy.kind is not Kind.SIDECAR or not mesh.sidecars:
        return mesh
    sidecar = sidecar_of(mesh, proxy)
    if sidecar is None or not sidecar.modelled:
        return mesh

    key = ("envoy", "sidecar scope", sidecar.namespace, sidecar.name, proxy.namespace)
    return mesh.once(key, lambda: _catching_all(mesh, sidecar, proxy))


def on_ports(scoped: Mesh) -> Mapping[int, Mesh]:
    """The mesh for each port that a Sidecar has a listener of its own for."""
    return scoped.once(ON_PORTS, dict)


def _catching_all(mesh: Mesh, sidecar: Sidecar, proxy: Proxy) -> Mesh:
    """The mesh for all ports that have no listener of their own, with those that have one.

    Every listener's routes may lead to what any of them imports: collectImportedServices.
    """
    rest = _selected(mesh, sidecar.hosts, proxy)
    if not sidecar.listeners:
        return rest
    own = {one.port: _selected(_with_port(mesh, one.port), one.hosts, proxy) for one in sidecar.listeners}
    rest.once(ON_PORTS, lambda: own)
    share_clusters((*own.values(), rest), proxy)
    return rest


def _with_port(mesh: Mesh, number: int) -> Mesh:
    """serviceMatchingListenerPort: the services that have a port, each with that one alone."""
    several = ((one, tuple(port for port in one.ports if port.number == number)) for one in mesh.services)
    return replace(mesh, services=tuple(replace(one, ports=ports) for one, ports in several if ports))


def _selected(mesh: Mesh, hosts: Iterable[Imported], proxy: Proxy) -> Mesh:
    by_namespace = classified(hosts, proxy.namespace)
    services = tuple(
        one
        if is_visible(one, proxy.namespace) and _imports(by_namespace, one.namespace, one.host)
        else replace(one, unlisted=True)
        for one in mesh.services
    )
    bound = virtual_services(mesh, MESH_GATEWAY, proxy.namespace)
    routing = tuple(one for one in bound if _selects(by_namespace, one))
    installed = _has_istios_own(by_namespace)
    return replace(mesh, services=services, virtual_services=routing, sidecars=(), installed=installed)


def _of(by_namespace: dict[str, HostClassification], namespace: str) -> Sequence[HostClassification]:
    return [by_namespace[one] for one in (namespace, WILDCARD) if one in by_namespace]


def _imports(by_namespace: dict[str, HostClassification], namespace: str, host: str) -> bool:
    several = _of(by_namespace, namespace)
    return not any(one.excludes(host) for one in several) and any(one.imports(host) for one in several)


def _has_istios_own(by_namespace: dict[str, HostClassification]) -> bool:
    """Whether a Service of Istio's own namespace may be among the hosts, whatever it is called."""
    several = _of(by_namespace, ROOT_NAMESPACE)
    if any(one.excludes(OF_ISTIO) for one in several):
        return False
    return any(one.endswith(OF_ISTIO) or covers(one, OF_ISTIO) for each in several for one in each.hosts)


def _selects(by_namespace: dict[str, HostClassification], virtual_service: VirtualService) -> bool:
    several = _of(by_namespace, virtual_service.namespace)
    for host in virtual_service.hosts:
        met = any(one.imports(host) if virtual_service.gateway_api else one.routes(host) for one in several)
        if met and not any(one.excludes(host) for one in several):
            return True
    return False
