"""The part of a mesh that a client within it knows, where a Sidecar says so.

Source: https://istio.io/latest/docs/reference/config/networking/sidecar/ (Sidecar, IstioEgressListener).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from meshproof.mesh.model.kubernetes import CLUSTER_DOMAIN, ROOT_NAMESPACE, Labels, Service
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.mesh_config import OutboundMode
from meshproof.mesh.model.names import covers, overlap
from meshproof.mesh.model.sidecar import ANY_NAMESPACE, OWN_NAMESPACE, Imported, Sidecar
from meshproof.mesh.model.virtual_service import MESH_GATEWAY
from meshproof.mesh.predict.match import Client
from meshproof.mesh.predict.visibility import WHOLE, led, oldest_first, sees, virtual_services

# Of a client: any port at all, and one that no listener is for.
ANY_PORT, OTHER = 0, -1
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
    place = client.namespace
    if not one.listeners:
        return mesh.once(("predict", "scoped", one.namespace, one.name, place), lambda: _scoped(mesh, one, place))
    port = client.port if client.port == ANY_PORT or one.listener(client.port) else OTHER
    key = ("predict", "scoped", one.namespace, one.name, place, port)
    return mesh.once(key, lambda: _scoped_on(mesh, one, place, port))


def imports_routes(mesh: Mesh, place: str, labels: Labels, namespace: str, hosts: Iterable[str]) -> bool:
    """Whether the sidecar of a client in `place` gets what a namespace says of some hosts, as far as is known."""
    one = applying(mesh, Client(MESH_GATEWAY, 0, place, labels))
    if one is None or not one.modelled:
        return True
    several = (one.hosts, *(each.hosts for each in one.listeners))
    return any(_routes_to(each, namespace, hosts, place, whole=False) for each in several)


def _scoped_on(mesh: Mesh, sidecar: Sidecar, place: str, port: int) -> Mesh:
    """What is known on the port of a listener, on any other port, or on any of them all."""
    own = sidecar.listener(port)
    if port == OTHER or (own is None and port != ANY_PORT):
        return _scoped(mesh, sidecar, place)
    rest = _scoped(mesh, sidecar, place)
    listening = {each.port: _scoped(_with(mesh, each.port), sidecar, place, each.hosts) for each in sidecar.listeners}
    several = (rest, *listening.values())
    if own is None:
        known = {(one.host, one.namespace) for each in several for one in each.services if not one.unlisted}
        services = (replace(one, unlisted=(one.host, one.namespace) not in known) for one in mesh.services)
        routing = {id(one) for each in several for one in each.virtual_services}
        seen = virtual_services(mesh, MESH_GATEWAY, place).several
        kept = tuple(one for one in seen if id(one) in routing)
        return replace(rest, services=tuple(services), virtual_services=kept)
    there: dict[tuple[str, str], set[int]] = {}
    for each in several:
        for one, numbers in _with_clusters(each, place):
            there.setdefault((one.host, one.namespace), set()).update(numbers)
    known = {(one.host, one.namespace) for one in listening[port].services if not one.unlisted}
    services = (
        replace(
            one,
            ports=tuple(each for each in one.ports if each.number in there.get((one.host, one.namespace), ())),
            unlisted=(one.host, one.namespace) not in known,
        )
        for one in mesh.services
    )
    return replace(listening[port], services=tuple(services))


def _with(mesh: Mesh, port: int) -> Mesh:
    """The mesh with the Services alone that have a port, and no more of them than that port."""
    several = (
        replace(one, ports=tuple(each for each in one.ports if each.number == port))
        for one in mesh.services
        if any(each.number == port for each in one.ports)
    )
    return replace(mesh, services=tuple(several))


def _with_clusters(mesh: Mesh, place: str) -> Iterator[tuple[Service, frozenset[int]]]:
    """The Services that clients know or that their rules lead to, with the ports that proxies have for them."""
    led_to: dict[str, set[int]] = {}
    for host, number in led(mesh, place):
        led_to.setdefault(host, set()).add(number)
    for one in mesh.services:
        own = frozenset(each.number for each in one.ports)
        if not one.unlisted:
            yield one, own
        elif (wanted := led_to.get(one.host)) and (one.namespace == place or sees(place, one.export_to, one.namespace)):
            yield one, own if WHOLE in wanted else own & wanted


def _scoped(mesh: Mesh, sidecar: Sidecar, place: str, hosts: tuple[Imported, ...] | None = None) -> Mesh:
    hosts = sidecar.hosts if hosts is None else hosts
    seen = virtual_services(mesh, MESH_GATEWAY, place).several
    services = tuple(
        one
        if _imports(hosts, one, place) and sees(place, one.export_to, one.namespace)
        else replace(one, unlisted=True)
        for one in mesh.services
    )
    routing = tuple(one for one in seen if _routes_to(hosts, one.namespace, one.hosts, place, whole=one.gateway_api))
    installed = _knows_installation(hosts, place)
    return replace(mesh, services=services, virtual_services=routing, sidecars=(), installed=installed)


def _knows_installation(hosts: Iterable[Imported], place: str) -> bool:
    """Whether a Sidecar imports Services of Istio's own namespace, of which none needs be among the manifests."""
    several = [one for one in hosts if _is_of(one, ROOT_NAMESPACE, place)]
    if any(one.excluded and covers(one.host, INSTALLED) for one in several):
        return False
    return any(overlap(one.host, INSTALLED) for one in several if not one.excluded)


def passes_on(mesh: Mesh, client: Client) -> Sidecar | None:
    """The Sidecar of a client whose unknown hosts may be passed on; None where they surely are not."""
    one = applying(mesh, client)
    if one is None or not one.modelled:
        return None
    return None if (one.outbound or mesh.config.outbound) is OutboundMode.REGISTRY_ONLY else one


def _imports(hosts: Iterable[Imported], service: Service, place: str) -> bool:
    """Whether a Service is among the hosts of a Sidecar."""
    several = [one for one in hosts if _is_of(one, service.namespace, place)]
    if any(one.excluded and covers(one.host, service.host) for one in several):
        return False
    return any(covers(one.host, service.host) for one in several if not one.excluded)


def _routes_to(imported: Iterable[Imported], namespace: str, hosts: Iterable[str], place: str, *, whole: bool) -> bool:
    """The same of a namespace's rules for some hosts, which need only have a name in common, unless it is `whole`."""
    several = [one for one in imported if _is_of(one, namespace, place)]
    meets = covers if whole else overlap
    return any(
        any(meets(one.host, host) for one in several if not one.excluded)
        and not any(one.excluded and covers(one.host, host) for one in several)
        for host in hosts
    )


def _is_of(one: Imported, namespace: str, place: str) -> bool:
    own = place if one.namespace == OWN_NAMESPACE else one.namespace
    return own in (ANY_NAMESPACE, namespace)
