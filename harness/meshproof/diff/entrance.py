"""By which pods, and by what TLS, a request enters at a gateway."""

from __future__ import annotations

from collections.abc import Iterator

from meshproof.border.request import Request
from meshproof.diff.part import Part, none
from meshproof.language.words import Words
from meshproof.mesh.model.gateway import ServerTls
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.names import covers
from meshproof.mesh.predict.gateways.servers import listening

SERVED, ENTERED = "TLS of the gateway", "pods of the gateway"


def entered(mesh: Mesh, request: Request, words: Words) -> Part:
    """The labels of the pods that are to serve it; those of the Gateway API's Gateways are made for them."""
    gateway = mesh.gateway(request.gateway) if request.gateway else None
    if gateway is None or gateway.listener:
        return none(words)
    text = ", ".join(f"{name}={value}" for name, value in sorted(gateway.selector.items()))
    return Part(text, text or words("all gateways"))


def served(mesh: Mesh, request: Request, words: Words) -> Part:
    """What of the servers that a handshake may meet no handshake shows, by the fields that state it."""
    gateway = mesh.gateway(request.gateway) if request.gateway and request.tls else None
    if gateway is None:
        return none(words)
    secured = (one.server for one in listening(mesh, gateway, request.port).secured.values())
    several = [one.tls for one in secured if any(covers(host, request.host.lower()) for host in one.hosts)]
    text = "; ".join(dict.fromkeys(", ".join(_settings(one)) for one in several))
    return Part(text, text) if text else none(words)


def _settings(tls: ServerTls) -> Iterator[str]:
    place = f"{tls.credential_namespace}/" if tls.credential_namespace else ""
    told = {"credentialName": f"{place}{tls.credential_name}" if tls.credential_name else ""}
    if tls.cipher_suites:
        # Handshakes show versions only where any suite may be spoken.
        told |= {"minProtocolVersion": tls.min_version, "maxProtocolVersion": tls.max_version}
        told["cipherSuites"] = " ".join(tls.cipher_suites)
    return (f"{name} {value}" for name, value in told.items() if value)
