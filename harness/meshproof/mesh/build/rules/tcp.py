"""The TCP and TLS routes of a VirtualService, refused where istiod refuses them.

Source: https://istio.io/latest/docs/reference/config/networking/virtual-service/#TCPRoute and #TLSRoute; what istiod
refuses: istio/istio pkg/config/validation, validateTCPRoute, validateTLSRoute and validateSniHost.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from meshproof.manifest.value import Value
from meshproof.mesh.build.findings import Findings
from meshproof.mesh.build.kubernetes import LARGEST_PORT, labels
from meshproof.mesh.build.match import gateways
from meshproof.mesh.build.rules.weights import destinations
from meshproof.mesh.model.names import ADDRESS, HOST, covers
from meshproof.mesh.model.unmodelled import Rule
from meshproof.mesh.model.virtual_service import TcpMatch, TcpRoute

BY_ADDRESS = ("destinationSubnets", "sourceSubnet")


def tcp_routes(spec: Value, namespace: str, findings: Findings) -> tuple[TcpRoute, ...]:
    """The field `tcp`; a condition on addresses costs the connections for which its rule is looked at."""
    return _routes(spec.list("tcp"), findings, lambda value: _tcp(value, namespace, findings))


def tls_routes(spec: Value, namespace: str, findings: Findings) -> tuple[TcpRoute, ...]:
    """The field `tls`, in the same way."""
    hosts = tuple(one.text().lower() for one in spec.list("hosts"))
    return _routes(spec.list("tls"), findings, lambda value: _tls(value, hosts, namespace, findings))


def _routes(several: Sequence[Value], findings: Findings, make: Callable[[Value], TcpRoute]) -> tuple[TcpRoute, ...]:
    found: list[TcpRoute] = []
    for value in several:
        with findings.gather(), findings.within(Rule(value.location)):
            found.append(make(value))
    return tuple(found)


def _tcp(value: Value, namespace: str, findings: Findings) -> TcpRoute:
    if not value.list("route"):
        raise value.problem("a TCP route needs route", "istiod refuses it: name the Service to send to")
    matches = tuple(_match(one, namespace, findings) for one in value.list("match"))
    return TcpRoute(matches, destinations(value.need("route"), namespace, findings), value.location)


def _tls(value: Value, hosts: tuple[str, ...], namespace: str, findings: Findings) -> TcpRoute:
    if not value.list("match"):
        raise value.problem("a TLS route needs match", "istiod refuses it: match: [{sniHosts: [a.example.com]}]")
    if not value.list("route"):
        raise value.problem("a TLS route needs route", "istiod refuses it: name the Service to send to")
    matches = tuple(
        _match(one, namespace, findings, tuple(_sni_host(name, hosts) for name in one.list("sniHosts")))
        for one in value.list("match")
    )
    for one, match in zip(value.list("match"), matches, strict=True):
        if not match.sni_hosts:
            raise one.problem("a match of TLS needs sniHosts", "istiod refuses it: name what handshakes ask for")
    return TcpRoute(matches, destinations(value.need("route"), namespace, findings), value.location)


def _sni_host(value: Value, hosts: tuple[str, ...]) -> str:
    """A name, or pattern, that is within the VirtualService's own hosts as they are written."""
    name = value.text().lower()
    if ADDRESS.fullmatch(name):
        return name
    partial = name.startswith("*") and name != "*" and not name.startswith("*.")
    if not HOST.fullmatch(name) or partial:
        raise value.problem(f"{value.name} {value.shown} is not a host name", "such as a.example.com or *.example.com")
    if not any(covers(one, name) for one in hosts):
        hint = "istiod refuses it: name hosts of handshakes that the hosts of the VirtualService cover"
        raise value.problem(f"the SNI host {value.shown} is none of the hosts {', '.join(hosts)}", hint)
    return name


def _match(value: Value, namespace: str, findings: Findings, sni_hosts: tuple[str, ...] = ()) -> TcpMatch:
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
        sni_hosts=sni_hosts,
    )
