"""TCPRoutes and TLSRoutes, refused where the API server or istiod refuses them.

Source: https://gateway-api.sigs.k8s.io/reference/spec/#tcproute and #tlsroute; what istiod makes of them:
pilot/pkg/config/kube/gateway/conversion.go (convertTCPRoute, convertTLSRoute, buildTCPDestination).
"""

from __future__ import annotations

from meshproof.errors import Location
from meshproof.manifest.resource import Resource
from meshproof.manifest.value import Value
from meshproof.mesh.build.findings import Findings
from meshproof.mesh.build.gateway_api.backends import Backend, backend
from meshproof.mesh.build.gateway_api.limits.counts import MANY, check
from meshproof.mesh.build.gateway_api.parents import Parent, parents
from meshproof.mesh.build.visibility import created
from meshproof.mesh.model.unmodelled import Rule as Touched
from meshproof.mesh.model.virtual_service import Destination, HeaderChanges, RouteDestination, TcpRoute
from meshproof.records import dataclass

TCP_ROUTE, TLS_ROUTE = "TCPRoute", "TLSRoute"
MOST_WEIGHT, MOST_NAMES = 1_000_000, 1024
# Where istiod leads what may go nowhere.
NOWHERE = ("internal.cluster.local", "zero-weight", 65535)


@dataclass(frozen=True, slots=True)
class ConnectionRule:
    """One rule, with its backends in the order of its destinations."""

    route: TcpRoute
    backends: tuple[Backend, ...]


@dataclass(frozen=True, slots=True)
class ConnectionRoute:
    """One route, not yet attached to its parents. `created` is in RFC 3339 and UTC (empty: not told).

    `hostnames` are the names of handshakes, which a TCPRoute has none of.
    """

    kind: str
    name: str
    namespace: str
    hostnames: tuple[str, ...]
    parents: tuple[Parent, ...]
    rules: tuple[ConnectionRule, ...]
    location: Location
    created: str = ""

    @property
    def called(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}"


def tcp_route(resource: Resource, findings: Findings) -> ConnectionRoute:
    return _route(TCP_ROUTE, resource, (), findings)


def tls_route(resource: Resource, findings: Findings) -> ConnectionRoute:
    hostnames = tuple(one.text().lower() for one in resource.body.need("spec").list("hostnames"))
    return _route(TLS_ROUTE, resource, hostnames, findings)


def _route(kind: str, resource: Resource, hostnames: tuple[str, ...], findings: Findings) -> ConnectionRoute:
    spec = resource.body.need("spec")
    if not spec.list("rules"):
        raise spec.problem(f"a {kind} needs rules", "the API server refuses it: name the backends of one")
    check(spec, MOST_NAMES, 1 if resource.api_version.endswith("/v1") else MANY)
    rules = []
    for value in spec.list("rules"):
        with findings.gather(), findings.within(Touched(value.location)):
            rules.append(_rule(value, resource.namespace, findings))
    attached = parents(spec, resource.namespace, findings)
    return ConnectionRoute(
        kind,
        resource.name,
        resource.namespace,
        hostnames,
        attached,
        tuple(rules),
        resource.location,
        created(resource),
    )


def _rule(value: Value, namespace: str, findings: Findings) -> ConnectionRule:
    if not value.list("backendRefs"):
        raise value.problem("a rule needs backendRefs", "the API server refuses it")
    backends: list[Backend] = []
    destinations: list[RouteDestination] = []
    for one in value.list("backendRefs"):
        given = one.get("weight")
        weight = given.whole(0, MOST_WEIGHT) if given else 1
        if weight:
            aim = backend(one, namespace, findings)
            backends.append(aim)
            destinations.append(RouteDestination(aim.destination, weight, HeaderChanges(), one.location))
    if not destinations:
        host, subset, port = NOWHERE
        nowhere = Destination(host, subset, port, value.location)
        destinations.append(RouteDestination(nowhere, 1, HeaderChanges(), value.location))
    return ConnectionRule(TcpRoute((), tuple(destinations), value.location), tuple(backends))
