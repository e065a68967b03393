"""`tls` of a traffic policy: how a client's proxy connects, and what istiod refuses of it.

https://istio.io/latest/docs/reference/config/networking/destination-rule/#ClientTLSSettings; what is refused is that of
istio/istio pkg/config/validation/agent (ValidateTLS).
"""

from __future__ import annotations

from meshproof.manifest.value import Value
from meshproof.mesh.build.findings import Findings
from meshproof.mesh.model.topic import Topic
from meshproof.mesh.model.traffic_policy.client_tls import MUTUAL, ORIGINATING, PLAIN, ClientTls
from meshproof.mesh.model.unmodelled import PlainText

FILES = ("clientCertificate", "privateKey", "caCertificates", "caCrl")
CERTIFICATES = ("clientCertificate", "privateKey", "caCertificates", "credentialName")
# What is withdrawn, and a Secret with authorities alone.
UNREAD = ("caCrl", "caCertCredentialName")
# envoy/extensions/transport_sockets/tls/v3/tls.proto, UpstreamTlsContext.
LONGEST_SNI = 255
UNSHOWN = "mutual TLS is left out between proxies and pods here: that it is spoken is shown by no request"
NEEDS_CLUSTER = "look at the sidecars of a cluster"
NEEDS = "nothing here has a certificate for that host: only a call to the host itself shows it"


def client_tls(value: Value | None, host: str, findings: Findings) -> ClientTls | None:
    """The TLS towards a host (a name in full, or a pattern).

    Modelled are that towards a host by its name, and mutual TLS of the mesh: where it does not fit, mutual_tls/ tells.
    """
    if value is None:
        return None
    mode = value.get("mode")
    # A mode that is left out means that there is none.
    said = mode.text() if mode and mode.data is not None else PLAIN
    sni, credential, skip = value.get("sni"), value.get("credentialName"), value.get("insecureSkipVerify")
    names = tuple(one.text() for one in value.list("subjectAltNames"))
    if said in ORIGINATING:
        _check(value, mutual=said == MUTUAL)
    if sni and len(sni.text().encode()) > LONGEST_SNI:
        why = f"Envoy refuses clusters with an sni of more than {LONGEST_SNI} bytes"
        findings.unproved(sni.location, why, topic=Topic.ENVOY_REFUSES)
    further = [one for name in UNREAD if (one := value.get(name)) and one.data]
    made = ClientTls(
        said,
        sni.text() if sni else "",
        names,
        not (skip and skip.flag()),
        credential.text() if credential else "",
        value.key or value.location,
        tuple((name, one.text()) for name in CERTIFICATES if (one := value.get(name)) and one.data),
    )
    if made.is_of_the_mesh:
        findings.unproved(value.key or value.location, UNSHOWN, needs=NEEDS_CLUSTER, touches=(PlainText(""),))
        return made
    if said in ORIGINATING and "*" not in host and not further:
        text = f"{host} is stood in for, with a certificate for that name: who signed the real one is not verified"
        findings.notice(value.location, f"{text}, and whether it takes the client's neither", Topic.RUN_ALONE)
    elif said != PLAIN:
        told = [f"sni {sni.text()}"] if sni else []
        told += [f"a certificate for {' or '.join(names)}"] if names else []
        why = f"tls is not modelled: mode {said}{', ' if told else ''}{', '.join(told)}"
        findings.unproved(value.key or value.location, why, needs=NEEDS if said in ORIGINATING else "")
    return made


def _check(value: Value, *, mutual: bool) -> None:
    given = [one for name in FILES if (one := value.get(name)) and one.text()]
    credential, skip = value.get("credentialName"), value.get("insecureSkipVerify")
    if skip and skip.flag():
        against = [value.get("caCertificates"), None if mutual else credential, value.get("subjectAltNames")]
        for one in against:
            if one is not None and one.data:
                raise one.problem("insecureSkipVerify verifies nothing", f"istiod refuses {one.name} beside it")
    if credential and credential.text():
        if given:
            raise given[0].problem("credentialName names a Secret with all of it", "istiod refuses files beside it")
    elif mutual:
        for name in FILES[:2]:
            if not any(one.name == name for one in given):
                raise value.problem(f"mode MUTUAL needs a {name}, or a credentialName", "istiod refuses it without")
