"""The part of a mesh that a client within it knows, where a Sidecar says so.

Source: https://istio.io/latest/docs/reference/config/networking/sidecar/ (Sidecar, IstioEgressListener).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from meshproof.mesh.model.kubernetes import CLUSTER_DOMAIN, ROOT_NAMESPACE, Labels, Service
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.mesh_config import OutboundMode
from meshproof.mesh.model.names import covers, overlap
from meshproof.mesh.model.sidecar import ANY_NAMESPACE, OWN_NAMESPACE, Imported, Sidecar
from meshproof.mesh.model.virtual_service import MESH_GATEWAY
from meshproof.mesh.predict.match import Client
from meshproof.mesh.predict.visibility import oldest_first, sees, virtual_services

# Any Service of Istio's own namespace.
INSTALLED = f"*.{ROOT_NAMESPACE}.{CLUSTER_DOMAIN}"


def applying(mesh: Mesh, client: Client) -> Sidecar | None:
    """The Sidecar of a client: one that selects it before its namespace's, and that before the root namespace's."""
    if not mesh.sidecars or client.gateway != MESH_GATEWAY:
        return None
    ages = oldest_first(mesh.sidecars)
    ordered = sorted(mesh.sidecars, key=lambda one: (not one.selector, ages[id(one)]))
    own = (one for one in ordered if one.namespace == client.namespace)
    found = next((one for one in own if one.selector.items() <= client.labels.items()), None)
    everybodys = (one for one in ordered if one.namespace == ROOT_NAMESPACE and not one.selector)
    return found or next(everybodys, None)


def scoped(mesh: Mesh, client: Client) -> Mesh:
    """The mesh as a client knows it; the same where no Sidecar limits that."""
    one = applying(mesh, client)
    if one is None or not one.modelled:
        return mesh
    return mesh.once(
        ("predict", "scoped", one.namespace, one.name, client.namespace), lambda: _scoped(mesh, one, client)
    )


def imports_routes(mesh: Mesh, place: str, labels: Labels, namespace: str, hosts: Iterable[str]) -> bool:
    """Whether the sidecar of a client in `place` gets what a namespace says of some hosts, as far as is known."""
    one = applying(mesh, Client(MESH_GATEWAY, 0, place, labels))
    return one is None or not one.modelled or _routes_to(one, namespace, hosts, place, whole=False)


def _scoped(mesh: Mesh, sidecar: Sidecar, client: Client) -> Mesh:
    place = client.namespace
    seen = virtual_services(mesh, MESH_GATEWAY, place).several
    services = tuple(
        one
        if _imports(sidecar, one, place) and sees(place, one.export_to, one.namespace)
        else replace(one, unlisted=True)
        for one in mesh.services
    )
    routing = tuple(one for one in seen if _routes_to(sidecar, one.namespace, one.hosts, place, whole=one.gateway_api))
    installed = _knows_installation(sidecar, place)
    return replace(mesh, services=services, virtual_services=routing, sidecars=(), installed=installed)


def _knows_installation(sidecar: Sidecar, place: str) -> bool:
    """Whether a Sidecar imports Services of Istio's own namespace, of which none needs be among the manifests."""
    several = [one for one in sidecar.hosts if _is_of(one, ROOT_NAMESPACE, place)]
    if any(one.excluded and covers(one.host, INSTALLED) for one in several):
        return False
    return any(overlap(one.host, INSTALLED) for one in several if not one.excluded)


def passes_on(mesh: Mesh, client: Client) -> Sidecar | None:
    """The Sidecar of a client whose unknown hosts may be passed on; None where they surely are not."""
    one = applying(mesh, client)
    if one is None or not one.modelled:
        return None
    return None if (one.outbound or mesh.config.outbound) is OutboundMode.REGISTRY_ONLY else one


def _imports(sidecar: Sidecar, service: Service, place: str) -> bool:
    """Whether a Service is among the hosts of a Sidecar."""
    several = [one for one in sidecar.hosts if _is_of(one, service.namespace, place)]
    if any(one.excluded and covers(one.host, service.host) for one in several):
        return False
    return any(covers(one.host, service.host) for one in several if not one.excluded)


def _routes_to(sidecar: Sidecar, namespace: str, hosts: Iterable[str], place: str, *, whole: bool) -> bool:
    """The same of a namespace's rules for some hosts, which need only have a name in common, unless it is `whole`."""
    several = [one for one in sidecar.hosts if _is_of(one, namespace, place)]
    meets = covers if whole else overlap
    return any(
        any(meets(one.host, host) for one in several if not one.excluded)
        and not any(one.excluded and covers(one.host, host) for one in several)
        for host in hosts
    )


def _is_of(one: Imported, namespace: str, place: str) -> bool:
    own = place if one.namespace == OWN_NAMESPACE else one.namespace
    return own in (ANY_NAMESPACE, namespace)
