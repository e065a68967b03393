"""The TCP routes of a VirtualService, refused where istiod refuses them.

Source: https://istio.io/latest/docs/reference/config/networking/virtual-service/#TCPRoute; what istiod refuses:
istio/istio pkg/config/validation, validateTCPRoute.
"""

from __future__ import annotations

from meshproof.manifest.value import Value
from meshproof.mesh.build.findings import Findings
from meshproof.mesh.build.kubernetes import LARGEST_PORT, labels
from meshproof.mesh.build.match import gateways
from meshproof.mesh.build.rules.weights import destinations
from meshproof.mesh.model.unmodelled import Rule
from meshproof.mesh.model.virtual_service import TcpMatch, TcpRoute

BY_ADDRESS = ("destinationSubnets", "sourceSubnet")


def tcp_routes(spec: Value, namespace: str, findings: Findings) -> tuple[TcpRoute, ...]:
    """The field `tcp`; a condition on addresses costs the connections for which its rule is looked at."""
    found: list[TcpRoute] = []
    for value in spec.list("tcp"):
        with findings.gather(), findings.within(Rule(value.location)):
            found.append(_route(value, namespace, findings))
    return tuple(found)


def _route(value: Value, namespace: str, findings: Findings) -> TcpRoute:
    if not value.list("route"):
        raise value.problem("a TCP route needs route", "istiod refuses it: name the Service to send to")
    matches = tuple(_match(one, namespace, findings) for one in value.list("match"))
    return TcpRoute(matches, destinations(value.need("route"), namespace, findings), value.location)


def _match(value: Value, namespace: str, findings: Findings) -> TcpMatch:
    findings.unmodelled(value, *BY_ADDRESS)
    port, source = value.get("port"), value.get("sourceNamespace")
    return TcpMatch(
        location=value.location,
        # istiod takes port 0 as none.
        port=(port.whole(0, LARGEST_PORT) or None) if port else None,
        gateways=tuple(gateways(value, namespace)),
        source_labels=labels(value, "sourceLabels"),
        source_namespace=source.text() if source else "",
        by_address=any((found := value.get(name)) and found.data for name in BY_ADDRESS),
    )
