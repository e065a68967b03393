"""Which connections to hosts of ServiceEntries a sidecar cannot tell from others.

A host without addresses shares its port's wildcard listener with all others that have none, and with HTTP: of TCP ports
there only one counts, while names in TLS handshakes tell hosts apart. At an address they do not: istiod takes any name
there for the host that has it. A client that looks up a host with addresses is taken to get one of those. Source:
istio/istio pilot/pkg/networking/core/listener.go (buildSidecarOutboundListener) and tls.go
(buildSidecarOutboundTLSFilterChainOpts).
"""

from __future__ import annotations

from collections.abc import Iterator

from meshproof.mesh.model.index import grouped
from meshproof.mesh.model.kubernetes import Service, ServicePort
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.predict import visibility

TLS = frozenset({"tls", "https"})
EVERYWHERE = "*"


def indistinct(mesh: Mesh, service: Service, port: ServicePort, namespace: str) -> Service | None:
    """Another Service of a client in `namespace` that may get the connections to this one's port."""
    if not service.hostname:
        return None
    taken = mesh.once(("predict", "taken addresses"), lambda: grouped(_taken(mesh)))
    by_name = port.protocol in TLS
    for address in service.addresses or (EVERYWHERE,):
        # Names in handshakes tell TLS from TLS, and from what is anything, where no address is given.
        several = [*taken.get((address, port.number, "http"), ())]
        several += [] if by_name and not service.addresses else taken.get((address, port.number, "tcp"), ())
        several += taken.get((address, port.number, "tls"), ()) if service.addresses else ()
        for other in several:
            if other.host != service.host and visibility.service(mesh, other.host, namespace) is other:
                return other
    return None


def _taken(mesh: Mesh) -> Iterator[tuple[tuple[str, int, str], Service]]:
    """The Services by the address, number and kind of each of their ports, as far as sidecars know them by it."""
    for service in mesh.services:
        for port in service.ports:
            if port.protocol == "udp":
                continue
            kind = "tls" if port.protocol in TLS else "http" if port.is_http else "tcp"
            for address in service.addresses:
                yield (address, port.number, kind), service
            everywhere = service.headless or (bool(service.hostname) and not service.addresses)
            if (kind == "http" and not service.is_apart(port)) or (kind == "tcp" and everywhere):
                yield (EVERYWHERE, port.number, kind), service
