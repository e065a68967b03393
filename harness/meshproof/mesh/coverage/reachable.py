"""The part of a mesh that some requests can meet: what else there is need not be translated, nor started.

It is chosen by the names that the requests call and never by what is predicted of them, so that a mistake of a
prediction still shows in what real proxies do.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain, islice

from meshproof.border.request import Request
from meshproof.mesh.model.gateway import Gateway
from meshproof.mesh.model.kubernetes import Service, ServicePort, Workload
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.names import covers, parents
from meshproof.mesh.model.sidecar import Imported
from meshproof.mesh.model.virtual_service import MESH_GATEWAY, VirtualService
from meshproof.mesh.predict.mesh_table import DEFAULT_PORT
from meshproof.mesh.predict.visibility import sees

# What follows a short name of a Service in its full one: name.namespace.svc.cluster.local.
ENDINGS = (".svc.cluster.local", ".cluster.local", ".local")


def reachable(mesh: Mesh, requests: Sequence[Request], namespace: str) -> Mesh:
    """The same mesh without the objects that none of these requests, sent from `namespace`, can meet.

    Gateways are kept with all that may share their pods; a Service that none of them calls is kept where it alone
    makes a sidecar listen on a port that is called.
    """
    gateways = _gateways(mesh, [one.gateway for one in requests if one.gateway])
    ports = {one.port for one in requests}
    names = {name for one in requests for name in _names(one, namespace)}
    names |= {mesh.stands_for(name) for name in names if mesh.alias(name)}
    names |= {one.host for name in names for one in mesh.services_at(name)}
    entering = {id(one) for gateway in gateways for one in _bound(mesh, gateway, names)}
    entering |= {id(one) for gateway in _connecting(mesh, requests) for one in _for_connections(mesh, gateway)}
    inside, names = _inside(mesh, names, ports)
    if DEFAULT_PORT in ports and not _is_listening(mesh, DEFAULT_PORT, namespace):
        # There, any VirtualService that names what is no Service makes a sidecar listen.
        inside |= {id(one) for one in mesh.bound_to(MESH_GATEWAY)}
        names |= {host for one in mesh.bound_to(MESH_GATEWAY) for host in one.hosts}
    virtual_services = tuple(one for one in mesh.virtual_services if id(one) in entering | inside)
    hosts = names | set(chain.from_iterable(one.aimed_at for one in virtual_services))
    hosts |= {alias.alias_of for host in hosts if (alias := mesh.alias(host))}
    called = {id(one) for host in hosts for one in mesh.services_of(host)}
    called |= {id(one) for one in mesh.services if one.host.startswith("*")}
    called |= {id(one) for port in ports for one in _listening(mesh, port, namespace, called)}
    # By the Services of a gateway's pods a policy knows their ports.
    guarded = gateways if mesh.authorization_policies else ()
    called |= {id(service) for gateway in guarded for port in ports for service in _before(mesh, gateway, port)}
    services = tuple(one for one in mesh.services if id(one) in called)
    behind = chain(
        chain.from_iterable(mesh.behind(one) for one in services),
        chain.from_iterable(mesh.serving(one) for one in gateways),
    )
    kept = {id(one) for one in behind}
    workloads: tuple[Workload, ...] = tuple(one for one in mesh.workloads if id(one) in kept)
    return replace(
        mesh, services=services, workloads=workloads, virtual_services=virtual_services, gateways=tuple(gateways)
    )


def _names(request: Request, namespace: str) -> Iterator[str]:
    """The full names that a request may mean by the host that it calls."""
    for called in {request.domain.removesuffix("."), request.host.lower().removesuffix(".")}:
        # A name below that of a headless Service is one of its pods.
        for domain in (called, *parents(called)):
            yield domain
            yield f"{domain}.{namespace}{ENDINGS[0]}"
            yield from (f"{domain}{ending}" for ending in ENDINGS)


def _bound(mesh: Mesh, gateway: Gateway, names: set[str]) -> Iterator[VirtualService]:
    for key in (gateway.key, gateway.called):
        several, hosts = mesh.bound_to(key), mesh.naming(key)
        yield from (several[at] for name in names for at in hosts.candidates(name))


def _connecting(mesh: Mesh, requests: Sequence[Request]) -> list[Gateway]:
    """The gateways, with all that may share their pods, that requests enter by.

    What a port listens for at all is told by its rules for connections as well.
    """
    asked = [one.gateway for one in requests if one.gateway]
    return _gateways(mesh, asked) if asked else []


def _for_connections(mesh: Mesh, gateway: Gateway) -> Iterator[VirtualService]:
    """Rules for connections are found by no name."""
    bound = (one for key in (gateway.key, gateway.called) for one in mesh.bound_to(key))
    return (one for one in bound if one.connections)


def _inside(mesh: Mesh, names: set[str], ports: set[int]) -> tuple[set[int], set[str]]:
    """The VirtualServices of sidecars that matter for these names, by id, with the names that then matter too.

    Whether a host of a VirtualService that is no Service counts depends on the Services that its other hosts cover,
    and on which VirtualService decides for those.
    """
    several, hosts = mesh.bound_to(MESH_GATEWAY), mesh.naming(MESH_GATEWAY)
    found: set[int] = set()
    known, new = set(names), set(names)
    while new:
        met = [several[at] for at in sorted({at for name in new for at in hosts.candidates(name)})]
        met = [one for one in met if id(one) not in found]
        found |= {id(one) for one in met}
        new = {name for one in met for host in one.hosts for name in _covered(mesh, host, ports)} - known
        known |= new
    return found, known


def _covered(mesh: Mesh, host: str, ports: set[int]) -> Iterator[str]:
    if not host.startswith("*"):
        yield host
        return
    for port in ports:
        yield from (one.host for one, _ in mesh.services_on(port) if covers(host, one.host))


def _gateways(mesh: Mesh, asked: Iterable[str]) -> list[Gateway]:
    """Those that are asked, and all whose pods may be the same; all of them where one is not known."""
    found: list[Gateway] = []
    for key in dict.fromkeys(asked):
        one = mesh.gateway(key)
        if one is None:
            return list(mesh.gateways)
        found.append(one)
    return [one for one in mesh.gateways if any(one.may_share_pods(other) for other in found)]


def _listening(mesh: Mesh, port: int, namespace: str, called: set[int]) -> Iterator[Service]:
    """Besides what is called: the Services of a port that are no HTTP, and one that is where none is called."""
    seen = list(_seen(mesh, port, namespace))
    plain = [service for service, one in seen if _is_plain(service, one)]
    yield from (service for service, one in seen if not one.is_http)
    if plain and not any(id(one) in called for one in plain):
        yield plain[0]
    for sidecar in mesh.sidecars:
        yield from _imported(sidecar.hosts_on(port), plain, namespace)


def _is_listening(mesh: Mesh, port: int, namespace: str) -> bool:
    """Whether a Service makes the proxy of any client of a namespace listen on a port, whichever Sidecar it has."""
    plain = [service for service, one in _seen(mesh, port, namespace) if _is_plain(service, one)]
    return bool(plain) and all(any(_imported(one.hosts_on(port), plain, namespace)) for one in mesh.sidecars)


def _imported(hosts: Sequence[Imported], several: Sequence[Service], namespace: str) -> Iterator[Service]:
    """The first of some Services for each host that a Sidecar imports."""
    excluded = [one for one in hosts if one.excluded]
    for one in hosts:
        if not one.excluded:
            taken = (each for each in several if one.covers(each.host, each.namespace, namespace))
            left = (
                each for each in taken if not any(no.covers(each.host, each.namespace, namespace) for no in excluded)
            )
            yield from islice(left, 1)


def _before(mesh: Mesh, gateway: Gateway, port: int) -> Iterator[Service]:
    """The Services of a port that select the pods of a gateway."""
    namespace, labels = mesh.pods_of(gateway)
    for service, _ in mesh.services_on(port):
        if service.namespace == namespace and service.selector and service.selector.items() <= labels.items():
            yield service


def _is_plain(service: Service, port: ServicePort) -> bool:
    """Whether it makes a sidecar listen for whatever address."""
    return port.is_http and not service.is_apart(port)


def _seen(mesh: Mesh, port: int, namespace: str) -> Iterator[tuple[Service, ServicePort]]:
    """The Services of a port that are exported to a namespace."""
    return (pair for pair in mesh.services_on(port) if sees(namespace, pair[0].export_to, pair[0].namespace))
