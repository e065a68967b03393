"""What a server of a Gateway asks of connections.

What istiod refuses: istio/istio pkg/config/validation/validation.go, validateTLSOptions.
"""

from __future__ import annotations

from meshproof.manifest.value import Value
from meshproof.mesh.build.findings import Findings
from meshproof.mesh.model.gateway import ServerTls, TlsMode
from meshproof.mesh.model.unmodelled import Touches

# A certificate from files needs both.
FILES = ("serverCertificate", "privateKey")
SECRETS = ("credentialName", "credentialNames")
CERTIFICATES = (*SECRETS, "tlsCertificates", *FILES)
UNMODELLED = (
    *FILES,
    "caCertificates",
    "tlsCertificates",
    "credentialNames",
    "caCertCredentialName",
    "caCrl",
    "subjectAltNames",
    "insecureSkipVerify",
    "verifyCertificateSpki",
    "verifyCertificateHash",
    "maxProtocolVersion",
    "cipherSuites",
)
TERMINATING = frozenset({"SIMPLE", "MUTUAL", "OPTIONAL_MUTUAL"})


def server_tls(value: Value | None, *, encrypted: bool, findings: Findings, touches: tuple[Touches, ...]) -> ServerTls:
    """The TLS of a server; `touches` are the requests that enter by it."""
    if value is None:
        return ServerTls()
    mode, credential = value.get("mode"), value.get("credentialName")
    version, redirect = value.get("minProtocolVersion"), value.get("httpsRedirect")
    # PASSTHROUGH is Istio's default: the first word of its enumeration.
    said = mode.text() if mode else "PASSTHROUGH" if encrypted else ""
    _check_certificates(value, said)
    findings.unmodelled(value, *UNMODELLED, touches=touches)
    if said and said not in set(TlsMode):
        if encrypted:
            findings.unproved((mode or value).location, f"tls mode {said} is not modelled", touches=touches)
        said = ""
    return ServerTls(
        TlsMode(said) if encrypted else TlsMode.NONE,
        credential.text() if credential else "",
        redirect.flag() if redirect else False,
        version.text() if version else "",
        value.location,
    )


def _check_certificates(value: Value, mode: str) -> None:
    given = {name for name in (*CERTIFICATES, "caCertificates") if (found := value.get(name)) and found.data}
    sources = len(given.intersection(CERTIFICATES).difference(FILES)) + given.issuperset(FILES)
    if mode == "ISTIO_MUTUAL" and given:
        raise value.problem(f"tls mode ISTIO_MUTUAL has certificates of its own, not {', '.join(sorted(given))}")
    if sources > 1:
        raise value.problem(f"a server has its certificate from one place, not {', '.join(sorted(given))}")
    if mode not in TERMINATING or given.intersection(SECRETS):
        return
    if not sources:
        raise value.problem(f"tls mode {mode} needs a certificate", "credentialName: a-secret")
    if mode != "SIMPLE" and "caCertificates" not in given:
        raise value.problem(f"tls mode {mode} needs the authority of its clients' certificates", "caCertificates: FILE")
