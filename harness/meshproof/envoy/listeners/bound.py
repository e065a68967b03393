"""Which servers a gateway's pods have, by port.

After istio/istio pilot/pkg/model/gateway.go (mergeGateways).
"""

from __future__ import annotations

from meshproof.envoy.node import Proxy
from meshproof.envoy.visibility import gateways
from meshproof.mesh.model.gateway import CONNECTIONS, ENCRYPTED, ENDING, Gateway, Server, TlsMode
from meshproof.mesh.model.mesh import Mesh
from meshproof.records import dataclass

PLAIN = frozenset({"HTTP", "HTTP2", "HTTP_PROXY", "GRPC", "GRPC-WEB"})


@dataclass(frozen=True, slots=True)
class Bound:
    """A server with the Gateway that it belongs to."""

    gateway: Gateway
    server: Server

    @property
    def terminates_tls(self) -> bool:
        return self.server.tls.mode in ENDING

    @property
    def is_http(self) -> bool:
        """Whether requests of HTTP are read, after TLS or without it."""
        protocol = self.server.protocol
        return protocol in PLAIN or (protocol == "HTTPS" and self.terminates_tls)

    @property
    def routes(self) -> str:
        """The name of its route configuration: plain servers of one port share theirs."""
        server, gateway = self.server, self.gateway
        if not self.terminates_tls:
            return f"http.{server.port}"
        return f"https.{server.port}.{server.name}.{gateway.name}.{gateway.namespace}"


def is_served(server: Server) -> bool:
    """Whether the embedded mesh serves it: not what is for sidecars of other clusters, nor what needs istiod's keys."""
    if server.protocol in ENCRYPTED:
        return server.tls.mode in ENDING or server.tls.mode is TlsMode.PASSTHROUGH
    return server.protocol in PLAIN | CONNECTIONS


def merged(mesh: Mesh, proxy: Proxy) -> dict[int, list[Bound]]:
    """The servers by port, those left out that istiod skips; and of the others those that are not served here."""
    by_port: dict[int, list[Bound]] = {}
    known: dict[int, set[tuple[str, str]]] = {}
    for gateway in gateways(mesh, proxy):
        for server in gateway.servers:
            if server.tls.location is not None:
                hosts = known.setdefault(server.port, set())
                if not hosts.isdisjoint(server.limits):
                    continue
                hosts.update(server.limits)
            there = by_port.setdefault(server.port, [])
            plain = next((one.server for one in there if one.server.protocol not in ENCRYPTED), None)
            if plain is None or (plain.protocol in PLAIN and server.protocol in PLAIN):
                there.append(Bound(gateway, server))
    return {
        port: served
        for port, several in by_port.items()
        if (served := [one for one in several if is_served(one.server)])
    }
