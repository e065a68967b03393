"""What of a mesh no verification drives on a cluster: what stands outside of it, and Gateways of the Gateway API."""

from __future__ import annotations

from collections.abc import Iterator

from meshproof.mesh.model.gateway import CONNECTIONS, TlsMode
from meshproof.mesh.model.kubernetes import ROOT_NAMESPACE
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.traffic_policy.client_tls import ORIGINATING
from meshproof.mesh.model.unmodelled import Called, Entering, Pods, Rule, Unmodelled
from meshproof.mesh.model.virtual_service import MESH_GATEWAY, TcpRoute, VirtualService

MACHINES = frozenset({"WorkloadEntry", "WorkloadGroup"})
WHY = "what answers there stands outside of the cluster, and a verification sends it nothing"
STARTED = "its pods are started by the cluster, and a verification does not enter by them"
PUT = "a verification puts no Ingress in force on a cluster"
WITHHELD = "a verification puts no policy in force on a cluster"
WITHOUT = "a verification that enters by a gateway of a cluster has no certificate of istiod"
PASSED = "a verification sends no connections to gateways of a cluster"
SPOKEN = "it leads to a port that speaks {}: a sidecar before the pod reads connections to it as requests"
CERTIFIED = "no pod of a run has a certificate that a proxy of the cluster would take: TLS towards it is not verified"
NEEDS = "verify it on the embedded mesh, where it is stood in for"


def outside(mesh: Mesh) -> Iterator[Unmodelled]:
    """Services and ServiceEntries with such hosts behind them, and such Gateways, with the requests that they touch."""
    for service in mesh.services:
        strangers = [one for one in mesh.behind(service) if one.endpoint_of or one.kind in MACHINES]
        if strangers:
            kind = "ServiceEntry" if service.hostname else "Service"
            called = (Called((service.host,)),)
            yield Unmodelled(kind, f"{kind} {service.called}", strangers[0].location, WHY, called, NEEDS)
    for policy in mesh.authorization_policies:
        touched = (Pods("" if policy.namespace == ROOT_NAMESPACE else policy.namespace, policy.selector or {}),)
        name = f"AuthorizationPolicy {policy.namespace}/{policy.name}"
        yield Unmodelled("AuthorizationPolicy", name, policy.location, WITHHELD, touched, NEEDS)
    yield from _connections(mesh)
    yield from _encrypted(mesh)
    for gateway in {one.called: one for one in mesh.gateways if not one.is_written}.values():
        entering = (Entering(gateway.key),)
        name, why = (f"Ingress {gateway.ingress}", PUT) if gateway.ingress else (f"Gateway {gateway.called}", STARTED)
        yield Unmodelled(name.partition(" ")[0], name, gateway.location, why, entering, NEEDS)


def _encrypted(mesh: Mesh) -> Iterator[Unmodelled]:
    """Rules that have proxies speak TLS to pods, which are exchanged for probes."""
    for rule in mesh.destination_rules:
        for policy, port in rule.policies:
            if policy.tls and policy.tls.mode in ORIGINATING:
                where, called = policy.tls.location or rule.location, (Called((rule.host,), port),)
                yield Unmodelled(rule.called.partition(" ")[0], rule.called, where, CERTIFIED, called, NEEDS)


def _connections(mesh: Mesh) -> Iterator[Unmodelled]:
    """Servers that pass connections on, and rules within the mesh that no connection of a probe shows there."""
    for gateway in (one for one in mesh.gateways if one.is_written):
        for server in gateway.servers:
            entering = (Entering(gateway.key, server.port),)
            if server.tls.mode is TlsMode.ISTIO_MUTUAL:
                yield Unmodelled("Gateway", f"Gateway {gateway.called}", server.location, WITHOUT, entering, NEEDS)
            elif server.passes_tls_on or server.protocol == "TLS" or server.protocol in CONNECTIONS:
                yield Unmodelled("Gateway", f"Gateway {gateway.called}", server.location, PASSED, entering, NEEDS)
    for one in mesh.bound_to(MESH_GATEWAY):
        for route in one.connections:
            if why := _spoken(mesh, route):
                name = _called(one, route)
                yield Unmodelled(name.partition(" ")[0], name, route.location, why, (Rule(route.location),), NEEDS)


def _spoken(mesh: Mesh, route: TcpRoute) -> str:
    """That a rule leads to a port of HTTP; empty where it does not."""
    for aim in (one.destination for one in route.destinations):
        service = mesh.service(aim.host)
        ports = service.ports if service else ()
        for port in ports:
            if port.is_http and (aim.port == port.number or (aim.port is None and len(ports) == 1)):
                return SPOKEN.format(port.protocol)
    return ""


def _called(one: VirtualService, route: TcpRoute) -> str:
    if one.gateway_api:
        return "TLSRoute" if route in one.tls else "TCPRoute"
    return f"VirtualService {one.namespace}/{one.name}"
