"""What a server of a Gateway asks of connections.

What istiod refuses: istio/istio pkg/config/validation/validation.go, validateTLSOptions; which cipher suites it takes:
pkg/security, IsValidCipherSuite and FilterCipherSuites.
"""

from __future__ import annotations

from meshproof.manifest.value import Value
from meshproof.mesh.build.findings import Findings
from meshproof.mesh.model.gateway import CERTIFIED, CertificateFiles, ServerTls, TlsMode
from meshproof.mesh.model.unmodelled import Touches

# A certificate from files needs both.
FILES = ("serverCertificate", "privateKey")
AUTHORITY = "caCertificates"
SECRETS = ("credentialName", "credentialNames")
CERTIFICATES = (*SECRETS, "tlsCertificates", *FILES)
UNMODELLED = (
    "tlsCertificates",
    "credentialNames",
    "caCertCredentialName",
    "caCrl",
    "subjectAltNames",
    "insecureSkipVerify",
    "verifyCertificateSpki",
    "verifyCertificateHash",
)
PASSING = frozenset({TlsMode.PASSTHROUGH, TlsMode.AUTO_PASSTHROUGH})
ELSEWHERE = {
    TlsMode.AUTO_PASSTHROUGH: "tls mode AUTO_PASSTHROUGH is not modelled: it is for sidecars of other clusters",
}
SUITES = frozenset(
    {
        *(f"ECDHE-{key}-AES{size}" for key in ("ECDSA", "RSA") for size in ("128-GCM-SHA256", "256-GCM-SHA384")),
        *(
            f"ECDHE-{key}-{one}"
            for key in ("ECDSA", "RSA")
            for one in ("CHACHA20-POLY1305", "AES128-SHA", "AES256-SHA")
        ),
        *("AES128-GCM-SHA256", "AES256-GCM-SHA384", "AES128-SHA", "AES256-SHA", "DES-CBC3-SHA"),
    }
)


def server_tls(value: Value | None, *, encrypted: bool, findings: Findings, touches: tuple[Touches, ...]) -> ServerTls:
    """The TLS of a server; `touches` are the requests that enter by it."""
    if value is None:
        return ServerTls()
    mode, redirect = value.get("mode"), value.get("httpsRedirect")
    redirects = redirect.flag() if redirect else False
    # PASSTHROUGH is Istio's default: the first word of its enumeration.
    said = TlsMode(mode.text()) if mode else TlsMode.PASSTHROUGH
    _check_certificates(value, said if encrypted or mode else TlsMode.NONE)
    if not encrypted:
        return ServerTls(https_redirect=redirects, location=value.location)
    if said in ELSEWHERE:
        findings.unproved((mode or value).location, ELSEWHERE[said], touches=touches)
    if said in PASSING:
        if ignored := sorted(value.names() - {"mode", "httpsRedirect"}):
            findings.notice(value.location, f"tls mode {said} needs no {' and no '.join(ignored)}: istiod ignores it")
        return ServerTls(said, https_redirect=redirects, location=value.location)
    chain, key = (_text(value, name) for name in FILES)
    files = CertificateFiles(chain, key, _text(value, AUTHORITY))
    held = files if files.certificate and files.key else None
    # What istiod makes of an authority's file beside a Secret is not known here.
    findings.unmodelled(value, *UNMODELLED, *(() if held else (AUTHORITY,)), touches=touches)
    return ServerTls(
        said,
        held.stand_in if held else _text(value, "credentialName"),
        redirects,
        _text(value, "minProtocolVersion"),
        value.location,
        _text(value, "maxProtocolVersion"),
        _suites(value, findings, touches),
        files=held,
    )


def _text(value: Value, name: str) -> str:
    found = value.get(name)
    return found.text() if found else ""


def _suites(value: Value, findings: Findings, touches: tuple[Touches, ...]) -> tuple[str, ...]:
    """The cipher suites that istiod leaves, which are for TLS up to 1.2 alone."""
    kept: dict[str, None] = {}
    for one in value.list("cipherSuites"):
        if one.text() in SUITES:
            kept[one.text()] = None
        elif one.text() in ("", "ALL") or not one.text()[0].isalnum():
            findings.unproved(one.location, f"cipherSuites with {one.shown} is not modelled", touches=touches)
        else:
            findings.notice(one.location, f"{one.shown} is no cipher suite that istiod knows: it is left out")
    return tuple(kept)


def _check_certificates(value: Value, mode: TlsMode) -> None:
    given = {name for name in (*CERTIFICATES, AUTHORITY) if (found := value.get(name)) and found.data}
    sources = len(given.intersection(CERTIFICATES).difference(FILES)) + given.issuperset(FILES)
    if mode is TlsMode.ISTIO_MUTUAL and given:
        raise value.problem(f"tls mode ISTIO_MUTUAL has certificates of its own, not {', '.join(sorted(given))}")
    if sources > 1:
        raise value.problem(f"a server has its certificate from one place, not {', '.join(sorted(given))}")
    if mode not in CERTIFIED or given.intersection(SECRETS):
        return
    if not sources:
        raise value.problem(f"tls mode {mode} needs a certificate", "credentialName: a-secret")
    if mode is not TlsMode.SIMPLE and AUTHORITY not in given:
        raise value.problem(f"tls mode {mode} needs the authority of its clients' certificates", "caCertificates: FILE")
    if mode is TlsMode.SIMPLE and (revoked := value.get("caCrl")) and revoked.data:
        raise revoked.problem("tls mode SIMPLE looks at no client's certificate", "leave caCrl out")
