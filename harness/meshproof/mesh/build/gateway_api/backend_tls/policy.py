"""One BackendTLSPolicy: which backends it is for, and how proxies speak TLS to them.

Source: https://gateway-api.sigs.k8s.io/reference/spec/#backendtlspolicy and the published CRD (its validations); what
istiod makes of it: pilot/pkg/config/kube/gateway/backend_policies.go (BackendTLSPolicyCollection).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from meshproof.errors import Location
from meshproof.manifest.resource import Resource
from meshproof.manifest.value import Value
from meshproof.mesh.build.findings import Findings
from meshproof.mesh.build.visibility import created
from meshproof.mesh.model.topic import Topic
from meshproof.mesh.model.traffic_policy.client_tls import CONFIG_MAP, NO_AUTHORITY, SIMPLE, ClientTls
from meshproof.records import dataclass

IGNORED = "istio.io/ignore-policy-attachment"
SERVICE, SERVICE_ENTRY = ("", "Service"), ("networking.istio.io", "ServiceEntry")
MOST_TARGETS, MOST_NAMES, MOST_AUTHORITIES = 16, 5, 8
HOSTNAME, URI = "Hostname", "URI"


@dataclass(frozen=True, slots=True)
class Target:
    """A backend, or (`section`) one of its ports by name."""

    group: str
    kind: str
    name: str
    section: str
    location: Location


@dataclass(frozen=True, slots=True)
class BackendTls:
    """One policy; `created` sorts, and is empty where it is not told."""

    resource: Resource
    targets: tuple[Target, ...]
    tls: ClientTls
    created: str

    @property
    def age(self) -> tuple[bool, str, str]:
        """The order in which policies for one backend count: the oldest first, then by their names."""
        return not self.created, self.created, self.resource.name


def backend_tls_policy(resource: Resource, findings: Findings) -> BackendTls | None:
    """The policy; None for one that istiod is told to leave alone."""
    spec = resource.body.need("spec")
    targets = tuple(map(_target, spec.list("targetRefs")))
    if not targets:
        raise spec.problem("a BackendTLSPolicy needs at least one of targetRefs", "the API server refuses it without")
    if len(targets) > MOST_TARGETS:
        raise spec.need("targetRefs").problem(f"targetRefs has more than {MOST_TARGETS}")
    _check_distinct(spec, targets)
    validation = spec.need("validation", "the hostname of the backend, and who signs for it")
    names = tuple(_names(validation))
    authorities = _authorities(validation, resource, findings)
    made = ClientTls(
        SIMPLE,
        validation.need("hostname", "the name that the backend is asked for").text(),
        names,
        credential=authorities,
        location=resource.location,
        certificates=(("caCertificateRefs", authorities) if authorities else ("wellKnownCACertificates", "System"),),
    )
    if spec.get("options"):
        findings.notice(
            spec.need("options").location, "istiod knows none of a BackendTLSPolicy's options", Topic.NO_EFFECT
        )
    metadata = resource.body.get("metadata")
    annotations = metadata.get("annotations") if metadata else None
    ignored = annotations.get(IGNORED) if annotations else None
    if ignored and ignored.text_form.lower() == "true":
        findings.notice(ignored.location, f"by {IGNORED} istiod leaves this policy alone", Topic.NO_EFFECT)
        return None
    if not names:
        text = f"without subjectAltNames istiod has proxies ask for {made.sni}, and take a certificate for any name"
        findings.notice(validation.location, f"{text} that its authority signed", Topic.NO_EFFECT)
    return BackendTls(resource, targets, made, created(resource))


def _target(value: Value) -> Target:
    section = value.get("sectionName")
    return Target(
        value.need("group", 'the API group, "" for a Service').text(),
        value.need("kind").text(),
        value.need("name").text(),
        section.text() if section else "",
        value.location,
    )


def _check_distinct(spec: Value, targets: Sequence[Target]) -> None:
    """Raise ManifestError where a backend is a target twice, but by two ports of it."""
    sections: dict[tuple[str, str, str], list[str]] = {}
    for one in targets:
        sections.setdefault((one.group, one.kind, one.name), []).append(one.section)
    for (_, kind, name), several in sections.items():
        if len(set(several)) < len(several) or ("" in several and len(several) > 1):
            text = f"{kind} {name} is a target {len(several)} times"
            raise spec.need("targetRefs").problem(text, "the API server wants another sectionName for each")


def _names(validation: Value) -> Iterator[str]:
    several = validation.list("subjectAltNames")
    if len(several) > MOST_NAMES:
        raise validation.need("subjectAltNames").problem(f"subjectAltNames has more than {MOST_NAMES}")
    for value in several:
        given = {HOSTNAME: value.get("hostname"), URI: value.get("uri")}
        kind = value.need("type", f"{HOSTNAME} or {URI}").text()
        named = {one: text.text() for one, text in given.items() if text and text.text()}
        if set(named) != {kind}:
            raise value.problem(
                f"a name of type {kind} has its {kind.lower()}, and nothing else", "the API server refuses it"
            )
        yield named[kind]


def _authorities(validation: Value, resource: Resource, findings: Findings) -> str:
    """What ClientTls.credential is; empty for the authorities that the system of the proxy trusts."""
    references, known = validation.list("caCertificateRefs"), validation.get("wellKnownCACertificates")
    if bool(references) == bool(known and known.text()):
        raise validation.problem("a policy has either caCertificateRefs or wellKnownCACertificates")
    if not references:
        return ""
    if len(references) > MOST_AUTHORITIES:
        raise validation.need("caCertificateRefs").problem(f"caCertificateRefs has more than {MOST_AUTHORITIES}")
    first, *others = references
    for one in others:
        findings.notice(one.location, "istiod takes the first of caCertificateRefs alone", Topic.NO_EFFECT)
    group, kind, name = (first.need(one).text() for one in ("group", "kind", "name"))
    if (group, kind) == ("", "ConfigMap"):
        text = f"that ConfigMap {resource.namespace}/{name} is there with a ca.crt is not looked at"
        findings.notice(
            first.location,
            f"{text}: without it gateways would answer 503, and sidecars send plain text",
            Topic.RUN_ALONE,
        )
        return f"{CONFIG_MAP}{resource.namespace}/{name}"
    text = f"istiod takes authorities from ConfigMaps, and not from {kind} {name}"
    findings.notice(first.location, f"{text}: gateways answer 503, and sidecars send plain text", Topic.NO_EFFECT)
    return NO_AUTHORITY
