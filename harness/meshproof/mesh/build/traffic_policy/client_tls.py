"""`tls` of a traffic policy: how a client's proxy connects, and what istiod refuses of it.

https://istio.io/latest/docs/reference/config/networking/destination-rule/#ClientTLSSettings; what is refused is that of
istio/istio pkg/config/validation/agent (ValidateTLS).
"""

from __future__ import annotations

from meshproof.manifest.value import Value
from meshproof.mesh.build.findings import Findings

ORIGINATING = frozenset({"SIMPLE", "MUTUAL"})
FILES = ("clientCertificate", "privateKey", "caCertificates", "caCrl")
NEEDS = "nothing here has a certificate for that host: only a call to the host itself shows it"


def client_tls(value: Value | None, findings: Findings) -> None:
    """Say what is not modelled of it: all that is not DISABLE, which is what a mode left out means."""
    mode = value.get("mode") if value else None
    if value is None or mode is None or mode.data == "DISABLE":
        return
    said = mode.text()
    if said in ORIGINATING:
        _check(value, mutual=said == "MUTUAL")
    sni, names = value.get("sni"), value.list("subjectAltNames")
    told = [f"sni {sni.text()}"] if sni else []
    told += [f"a certificate for {' or '.join(one.text() for one in names)}"] if names else []
    why = f"tls is not modelled: mode {said}{', ' if told else ''}{', '.join(told)}"
    findings.unproved(value.key or value.location, why, needs=NEEDS if said in ORIGINATING else "")


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
