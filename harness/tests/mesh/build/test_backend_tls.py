"""BackendTLSPolicies: for which hosts and ports they are, which counts, and what the API server or istiod refuses."""

from __future__ import annotations

import io

import pytest
from meshproof.manifest import load
from meshproof.mesh.build.assemble import Built, build_all
from meshproof.mesh.model.destination_rule import DestinationRule
from meshproof.mesh.model.traffic_policy.client_tls import ClientTls

SITE = """
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{name: http, port: 80}, {name: http-b, port: 81}]}
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: out}
spec:
  hosts: [one.example.com, two.example.com]
  ports: [{number: 80, name: http, protocol: HTTP}]
  resolution: DNS
---
"""
CONFIG_MAP = 'caCertificateRefs: [{group: "", kind: ConfigMap, name: ca}]'
SYSTEM = "wellKnownCACertificates: System"
HOST = "web.default.svc.cluster.local"


def policy(
    name: str = "p", targets: str = "", validation: str = f"hostname: web, {SYSTEM}", made: str = "", more: str = ""
) -> str:
    targets = targets or '{group: "", kind: Service, name: web}'
    created = f', creationTimestamp: "{made}"' if made else ""
    return f"""
apiVersion: gateway.networking.k8s.io/v1
kind: BackendTLSPolicy
metadata: {{name: {name}{created}{more}}}
spec: {{targetRefs: [{targets}], validation: {{{validation}}}}}
---
"""


def built(*several: str) -> Built:
    return build_all(load(["-"], stdin=io.StringIO(SITE + "".join(several)), strict=False))


def tls_of(found: DestinationRule, port: int | None = None) -> ClientTls:
    tls = (found.policy.ports[port] if port else found.policy).tls
    assert tls is not None
    return tls


def rules(*several: str) -> dict[str, DestinationRule]:
    made = built(*several)
    assert not made.mesh.unmodelled
    return {one.host: one for one in made.mesh.destination_rules}


def test_a_service_and_each_host_of_a_service_entry_get_a_rule() -> None:
    entry = "{group: networking.istio.io, kind: ServiceEntry, name: out}"
    found = rules(policy(targets=f'{{group: "", kind: Service, name: web}}, {entry}'))
    assert set(found) == {HOST, "one.example.com", "two.example.com"}
    tls = tls_of(found[HOST])
    assert (tls.mode, tls.sni, tls.names, tls.credential) == ("SIMPLE", "web", (), "")


def test_names_and_authorities() -> None:
    names = "subjectAltNames: [{type: Hostname, hostname: '*.b'}, {type: URI, uri: 'spiffe://x/y'}]"
    tls = tls_of(rules(policy(validation=f"hostname: a, {CONFIG_MAP}, {names}"))[HOST])
    assert (tls.names, tls.credential) == (("*.b", "spiffe://x/y"), "configmap://default/ca")
    other = rules(policy(validation='hostname: a, caCertificateRefs: [{group: "", kind: Secret, name: ca}]'))
    assert tls_of(other[HOST]).verifies_nobody


def test_a_section_is_a_port_by_its_name() -> None:
    ports = ", ".join(f'{{group: "", kind: Service, name: web, sectionName: {one}}}' for one in ("http-b", "gone"))
    found = rules(policy(targets=ports))[HOST].policy
    assert (found.tls, list(found.ports)) == (None, [81])


@pytest.mark.parametrize(
    ("first", "second", "counts"),
    [
        ("2026-02-01T00:00:00Z", "2026-01-01T00:00:00Z", "b"),
        ("2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z", "a"),
        ("2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z", "a"),
        ("", "2026-01-01T00:00:00Z", "b"),
    ],
)
def test_of_two_for_a_backend_the_older_counts(first: str, second: str, counts: str) -> None:
    several = (
        policy("a", validation=f"hostname: a, {SYSTEM}", made=first),
        policy("b", validation=f"hostname: b, {SYSTEM}", made=second),
    )
    assert tls_of(rules(*several)[HOST]).sni == counts
    told = [one.message for one in built(*several).notices if "is left out" in one.message]
    assert len(told) == 1


def test_one_for_a_port_counts_beside_one_for_the_service() -> None:
    port = '{group: "", kind: Service, name: web, sectionName: http-b}'
    found = rules(policy("a"), policy("b", port, f"hostname: b, {SYSTEM}"))[HOST]
    assert (tls_of(found).sni, tls_of(found, 81).sni) == ("web", "b")


@pytest.mark.parametrize(
    ("targets", "more", "said"),
    [
        ('{group: "", kind: Service, name: gone}', "", "no Service default/gone"),
        ('{group: "", kind: Pod, name: web}', "", "none for Pod default/web"),
        ("", ", annotations: {istio.io/ignore-policy-attachment: 'True'}", "leaves this policy alone"),
    ],
)
def test_what_istiod_takes_no_notice_of(targets: str, more: str, said: str) -> None:
    made = built(policy(targets=targets, more=more))
    assert not made.mesh.destination_rules
    assert any(said in one.message for one in made.notices)


@pytest.mark.parametrize(
    ("targets", "validation"),
    [
        ("", "hostname: web"),
        ("", f"hostname: web, {SYSTEM}, {CONFIG_MAP}"),
        ("", SYSTEM),
        ("", f"hostname: Web, {SYSTEM}"),
        ("", "hostname: web, wellKnownCACertificates: Mine"),
        ("", f"hostname: web, {SYSTEM}, subjectAltNames: [{{type: URI, hostname: b}}]"),
        ("", f"hostname: web, {SYSTEM}, subjectAltNames: [{{type: Hostname, hostname: b, uri: 'a:b'}}]"),
        (", ".join(['{group: "", kind: Service, name: web}'] * 2), f"hostname: web, {SYSTEM}"),
        ("{kind: Service, name: web}", f"hostname: web, {SYSTEM}"),
    ],
)
def test_what_the_api_server_refuses_costs_the_backend_alone(targets: str, validation: str) -> None:
    made = built(policy(targets=targets, validation=validation))
    assert not made.mesh.destination_rules
    assert made.mesh.unmodelled
    assert all(one.refused and one.kind == "BackendTLSPolicy" for one in made.mesh.unmodelled)
    assert {host for one in made.mesh.unmodelled for touch in one.touches for host in touch.hosts} == {HOST}
