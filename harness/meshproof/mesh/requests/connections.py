"""Connections that show what TCP routes do."""

from __future__ import annotations

from collections.abc import Iterator

from meshproof.border.request import Request, connection
from meshproof.border.source import Source
from meshproof.mesh.model.kubernetes import Service
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.names import covers
from meshproof.mesh.model.unmodelled import Called, Unmodelled
from meshproof.mesh.model.virtual_service import MESH_GATEWAY, TcpRoute, VirtualService
from meshproof.mesh.predict.prediction import predict
from meshproof.mesh.predict.tcp import PROTOCOLS
from meshproof.mesh.predict.visibility import sees
from meshproof.mesh.requests.addresses import short_name


def connections(mesh: Mesh, virtual_service: VirtualService, route: TcpRoute, client: Source) -> list[Request]:
    """One to every TCP port of a Service that the rule decides for a client."""
    if MESH_GATEWAY not in virtual_service.gateways:
        return []
    found: list[Request] = []
    for service in _served(mesh, virtual_service):
        if sees(client.namespace, service.export_to, service.namespace):
            for port in service.ports:
                one = connection(short_name(service, client.namespace), port.number)
                if port.protocol in PROTOCOLS and _decides(mesh, route, one, client):
                    found.append(one)
    return list(dict.fromkeys(found))


def _served(mesh: Mesh, virtual_service: VirtualService) -> list[Service]:
    found: list[Service] = []
    for host in virtual_service.hosts:
        if host.startswith("*"):
            found += [one for one in mesh.services if covers(host, one.host)]
        elif (service := mesh.service(host)) is not None:
            found.append(service)
    return found


def _decides(mesh: Mesh, route: TcpRoute, request: Request, client: Source) -> bool:
    return predict(mesh, request, namespace=client.namespace, labels=client.labels).route == route.location


def unanswered_connections(mesh: Mesh) -> Iterator[Unmodelled]:
    """The TCP ports of Services whose pods do not say who they are: only the probe workload does."""
    for service in mesh.services:
        for port in service.ports:
            if port.protocol in PROTOCOLS:
                name = f"Service {service.namespace}/{service.name}"
                why = f"port {port.number} speaks {port.protocol}, and the workloads here do not say who answers there"
                touched = (Called((service.host,), port.number),)
                yield Unmodelled("Service", name, port.location, why, touched, "let probe workloads stand in")


def why_unconnected(virtual_service: VirtualService) -> str:
    """Why no connection shows a rule."""
    if MESH_GATEWAY not in virtual_service.gateways:
        return "no connection shows this rule: TCP at a Gateway is not modelled"
    where = "no TCP port of a Service (by name or appProtocol) meets it, or an earlier rule takes it"
    return f"no connection found that this rule decides: {where}"
