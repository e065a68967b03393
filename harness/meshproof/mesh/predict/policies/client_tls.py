"""TLS that a proxy originates: the name that it asks for, and what it verifies.

Without `sni` the name is that of the request itself, and the server's certificate has to be for it; with `sni` only
`subjectAltNames` are looked at, and with insecureSkipVerify nothing is. What names a Secret (`credentialName`) counts
at gateways, and at those sidecars alone that the rule selects: others send plain text. Sources:
https://istio.io/latest/docs/reference/config/networking/destination-rule/#ClientTLSSettings, and for the rest istiod
itself (pilot/pkg/networking/core/cluster_tls.go).
"""

from __future__ import annotations

from dataclasses import replace

from meshproof.border.expectation import TLS_SEEN, Arm, Expectation, Origination
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.names import ADDRESS
from meshproof.mesh.model.traffic_policy.client_tls import MUTUAL, ORIGINATING
from meshproof.mesh.model.virtual_service import MESH_GATEWAY
from meshproof.mesh.predict import visibility
from meshproof.mesh.predict.header_effect import with_exact
from meshproof.mesh.predict.match import Client
from meshproof.mesh.predict.policies import destination_rules
from meshproof.mesh.predict.policies.policy import in_force

TLS = "tls"
TWICE = "what a client speaks in TLS itself is put into TLS once more here, which no backend is known to take"
# What stands in the place of a name that a connection does not say.
NO_NAME = "a connection that names no host"


def origination(mesh: Mesh, host: str, subset: str, port: int, client: Client) -> Origination | None:
    """How TLS is spoken to a destination; None where it is not."""
    service = visibility.service(mesh, host, client.namespace) or mesh.service(host)
    if service is None:
        return None
    tls = in_force(mesh, host, subset, port, client).tls
    if tls is None or tls.mode not in ORIGINATING:
        return None
    if tls.for_gateways and client.gateway == MESH_GATEWAY:
        several = destination_rules.rules(mesh, service, client.namespace, client.labels)
        if not several or several[0].selector is None:
            return None
    names = (tls.names or service.alternative_names) if tls.verified else ()
    by_authority = tls.verified and not tls.sni and not tls.names
    return Origination(
        tls.sni, tls.mode == MUTUAL, names, by_authority, tls.verifies_nobody, tls.certificates, tls.location
    )


def secured(found: Expectation) -> Expectation:
    """The expectation with what pods see of TLS; undecided where it is not told whose certificate they show."""
    if not any(one.tls for one in found.arms):
        return found
    arms = tuple(_seen(one, found.authority) for one in found.arms)
    why = next((why for one in found.arms if one.tls and (why := _untold(one, found.authority))), "")
    if found.request.is_tcp and found.request.scheme == TLS:
        why = why or TWICE
    return replace(found, arms=arms, undecided=found.undecided or why)


def _asked(arm: Arm, authority: str) -> str:
    """The name that a request is for, as its proxy sends it."""
    name = dict(arm.request_headers.exact).get("host", authority)
    return name.rpartition(":")[0] if name.rpartition(":")[2].isdecimal() else name


def _seen(arm: Arm, authority: str) -> Arm:
    if arm.tls is None:
        return arm
    name = arm.tls.sni or _asked(arm, authority)
    words = [name, *(["certificate"] if arm.tls.certificate else [])]
    return replace(arm, request_headers=with_exact(arm.request_headers, (TLS_SEEN, "; ".join(words))))


def _untold(arm: Arm, authority: str) -> str:
    from meshproof.mesh.model.security.pod_certificate import names_of

    tls = arm.tls
    assert tls is not None
    name, own = _asked(arm, authority), names_of(arm.host)
    if not tls.sni and ADDRESS.fullmatch(name):
        return f"TLS for {name}: an address is no name that a server is asked for"
    if tls.by_authority and name not in own:
        return f"whether the certificate of {arm.host} is for {name or NO_NAME}, too, is told nowhere"
    if tls.names and not set(own) & set(tls.names):
        return f"whether the certificate of {arm.host} is for {' or '.join(tls.names)} is told nowhere"
    return ""
