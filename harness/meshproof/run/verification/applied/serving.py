"""How gateways speak TLS otherwise than specified, where no handshake shows it."""

from __future__ import annotations

from collections.abc import Iterator

from meshproof.mesh.model.gateway import ServerTls
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.unmodelled import Entering, Unmodelled

NEEDS = "correct one of the two"


def served_otherwise(specified: Mesh, applied: Mesh) -> Iterator[Unmodelled]:
    """Servers with other cipher suites; what a version of TLS means beside these is not told either."""
    for ours in applied.gateways:
        theirs = specified.gateway(ours.key)
        known = {(one.port, one.hosts): one.tls for one in theirs.servers} if theirs else {}
        for server in ours.servers:
            tls, wanted = server.tls, known.get((server.port, server.hosts))
            if wanted is None or not (tls.cipher_suites or wanted.cipher_suites):
                continue
            if (tls.cipher_suites, tls.min_version, tls.max_version) != (
                wanted.cipher_suites,
                wanted.min_version,
                wanted.max_version,
            ):
                why = f"TLS of port {server.port} is {_offered(tls)}, and {_offered(wanted)} is specified"
                touched = (Entering(ours.key),)
                place = tls.location or server.location
                yield Unmodelled("Gateway", f"Gateway {ours.key}", place, why, touched, NEEDS)


def _offered(tls: ServerTls) -> str:
    versions = [f"{name} {value}" for name, value in (("from", tls.min_version), ("up to", tls.max_version)) if value]
    return " ".join((*versions, ", ".join(tls.cipher_suites) or "of the proxy's own suites"))
