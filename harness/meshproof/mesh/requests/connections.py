"""Connections that show what TCP and TLS routes do, within the mesh and at Gateways."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from meshproof.border.request import TCP, TLS, Request, Tls, connection
from meshproof.border.source import Source
from meshproof.manifest.resource import Notice
from meshproof.mesh.alike import nearest
from meshproof.mesh.model.gateway import CONNECTIONS
from meshproof.mesh.model.kubernetes import Service
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.names import covers
from meshproof.mesh.model.topic import Topic
from meshproof.mesh.model.unmodelled import Called, Unmodelled
from meshproof.mesh.model.virtual_service import MESH_GATEWAY, TcpRoute, VirtualService
from meshproof.mesh.predict.called import service_of
from meshproof.mesh.predict.connections.within import PROTOCOLS, SECURED
from meshproof.mesh.predict.gateways.servers import Entry, common_hosts, open_to
from meshproof.mesh.predict.prediction import predict
from meshproof.mesh.predict.visibility import sees
from meshproof.mesh.requests.addresses import POD_TLS, at, covered_by, short_name

NOT_FOUND = "no connection found that this rule decides"


def connections(
    mesh: Mesh, virtual_service: VirtualService, route: TcpRoute, client: Source, tls: Tls | None, *, within: bool
) -> list[Request]:
    """One to every port that the rule decides for a client, of a Service and (not `within`) of a Gateway."""
    found: list[Request] = []
    for gateway in virtual_service.gateways:
        if gateway == MESH_GATEWAY:
            found += (
                one for one in _inside(mesh, virtual_service, route, client) if _decides(mesh, route, one, client)
            )
        elif not within:
            for several in _entering(mesh, virtual_service, route, gateway, tls):
                found += [one for one in several if _decides(mesh, route, one, client)][:1]
    return list(dict.fromkeys(found))


def beside(mesh: Mesh, several: Iterable[Request], route: TcpRoute, client: Source) -> list[Request]:
    """Connections by names just beyond those of a TLS rule, at the same ports of the same Gateways."""
    names = [name for match in route.matches for name in match.sni_hosts if name != "*"]
    found: dict[Request, None] = {}
    for one in several:
        for name in names if one.gateway and one.scheme == TLS else ():
            other = name[2:] if name.startswith("*.") else f"x-{name}"
            request = connection(other, one.port, scheme=TLS, gateway=one.gateway, tls=one.tls)
            expected = predict(mesh, request, client)
            if not expected.undecided and expected.refused in ("", "handshake"):
                found[request] = None
    return list(found)


def _inside(mesh: Mesh, virtual_service: VirtualService, route: TcpRoute, client: Source) -> Iterator[Request]:
    for service in _served(mesh, virtual_service):
        if not sees(client.namespace, service.export_to, service.namespace):
            continue
        for port in service.ports:
            if port.protocol in PROTOCOLS and route in virtual_service.tcp:
                yield connection(short_name(service, client.namespace), port.number)
            elif port.protocol in SECURED and route in virtual_service.tls:
                for name in _names(mesh, service, route, client):
                    yield connection(name, port.number, scheme=TLS, tls=POD_TLS)


def _names(mesh: Mesh, service: Service, route: TcpRoute, client: Source) -> Iterator[str]:
    """Names of a Service that a TLS rule is for."""
    for match in route.matches:
        for name in match.sni_hosts:
            if name.startswith("*"):
                if covers(name, service.host):
                    yield short_name(service, client.namespace) if service.hostname else service.host
                elif covers(service.host, name):
                    yield covered_by(mesh, name)
            elif service_of(mesh, name, client.namespace) is service:
                yield name


def _entering(
    mesh: Mesh, virtual_service: VirtualService, route: TcpRoute, gateway: str, tls: Tls | None
) -> Iterator[list[Request]]:
    """For each server of a Gateway connections that may be the rule's, the likeliest first."""
    found = mesh.gateway(gateway)
    for server in found.servers if found and found.key == gateway else ():
        if found is None:
            continue
        hosts = list(dict.fromkeys(common_hosts(open_to(server, virtual_service.namespace), virtual_service.hosts)))
        if not hosts:
            continue
        if route in virtual_service.tls:
            sni = (name for match in route.matches for name in match.sni_hosts)
            names = [covered_by(mesh, one) for one in sni] if server.passes_tls_on else []
            yield [connection(one, server.port, scheme=TLS, gateway=found.key, tls=POD_TLS) for one in names]
        elif server.protocol == TLS.upper() and server.ends_tls:
            shown = [at(mesh, Entry(found, server), one, tls) for one in hosts]
            yield [connection(one.host, server.port, scheme=TLS, gateway=found.key, tls=one.tls) for one in shown]
        elif server.protocol in CONNECTIONS:
            yield [connection(covered_by(mesh, one), server.port, gateway=found.key) for one in hosts]


def _served(mesh: Mesh, virtual_service: VirtualService) -> list[Service]:
    found: list[Service] = []
    for host in virtual_service.hosts:
        if host.startswith("*"):
            found += [one for one in mesh.services if covers(host, one.host)]
        elif (service := mesh.service(host)) is not None:
            found.append(service)
    return found


def _decides(mesh: Mesh, route: TcpRoute, request: Request, client: Source) -> bool:
    found = predict(mesh, request, client)
    return found.route == route.location and not found.refused


def unanswered_connections(mesh: Mesh) -> Iterator[Unmodelled]:
    """The TCP and TLS ports of Services whose pods do not say who they are: only the probe workload does."""
    for service in mesh.services:
        for port in service.ports:
            if port.protocol in PROTOCOLS | SECURED:
                name = f"Service {service.namespace}/{service.name}"
                why = f"port {port.number} speaks {port.protocol}, and the workloads here do not say who answers there"
                touched = (Called((service.host,), port.number),)
                yield Unmodelled("Service", name, port.location, why, touched, "let probe workloads stand in")


def why_unconnected(mesh: Mesh, virtual_service: VirtualService, route: TcpRoute, client: Source) -> Notice:
    """Why no connection shows a rule."""
    kind = TLS.upper() if route in virtual_service.tls else TCP.upper()
    place = route.location
    for gateway in virtual_service.gateways:
        if gateway != MESH_GATEWAY:
            found = mesh.gateway(gateway)
            if found is None:
                meant = nearest(gateway, (one.called for one in mesh.gateways))
                return Notice(place, f"no connection shows this rule: there is no Gateway {gateway}{meant}")
            for several in _entering(mesh, virtual_service, route, gateway, None):
                for one in several[:1]:
                    expected = predict(mesh, one, client)
                    why = expected.note or (f"the rule at {expected.route} takes {one}" if expected.route else "")
                    return Notice(place, f"{NOT_FOUND}{f': {why}' if why else ''}", Topic.NOT_SHOWN)
    if MESH_GATEWAY not in virtual_service.gateways:
        return Notice(place, f"no connection shows this rule: no {kind} server of its Gateways is for its hosts")
    where = f"no {kind} port of a Service (by name or appProtocol) meets it, or an earlier rule takes it"
    return Notice(place, f"{NOT_FOUND}: {where}", Topic.NOT_SHOWN)
