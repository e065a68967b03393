"""Manifests of which nothing is sent, or that a cluster refuses, are never green."""

from __future__ import annotations

from pathlib import Path

import pytest
from meshproof.border.request import parse
from meshproof.border.verdict import Outcome, Precision, Verdict
from meshproof.errors import ManifestError
from meshproof.run.verification.verification import prepare_verification

HEADS = {
    "Namespace": "v1",
    "Secret": "v1",
    "Gateway": "networking.istio.io/v1",
    "Sidecar": "networking.istio.io/v1",
    "PeerAuthentication": "security.istio.io/v1",
    "HTTPRoute": "gateway.networking.k8s.io/v1",
    "VirtualService": "networking.istio.io/v1",
}
SERVER = "{port: {number: 80, name: http, protocol: HTTP}, hosts: [a.example.com]}"


def verdicts(folder: Path, kind: str, rest: str) -> list[Verdict]:
    file = folder / "only.yaml"
    file.write_text(f"apiVersion: {HEADS[kind]}\nkind: {kind}\nmetadata: {{name: only}}\n{rest}\n")
    inspection = prepare_verification([str(file)], [], (), Precision(), any_client=True).inspection
    assert inspection.given is not None
    return [one.judge(inspection.given) for one in inspection.expect]


@pytest.mark.parametrize(
    ("kind", "rest"),
    [
        ("Namespace", ""),
        ("Secret", "data: {}"),
        ("Gateway", f"spec: {{selector: {{istio: ingressgateway}}, servers: [{SERVER}]}}"),
        ("Sidecar", "spec: {egress: [{hosts: ['./*']}]}"),
        ("PeerAuthentication", "spec: {mtls: {mode: PERMISSIVE}}"),
    ],
)
def test_manifests_that_no_request_shows(tmp_path: Path, kind: str, rest: str) -> None:
    (verdict,) = verdicts(tmp_path, kind, rest)
    assert (verdict.check, verdict.outcome) == ("Exercised", Outcome.INCONCLUSIVE)


@pytest.mark.parametrize(
    ("kind", "rest", "why"),
    [
        ("HTTPRoute", "spec: {rules: [{filters: [{type: ExternalAuth}]}]}", "a cluster refuses it"),
        ("HTTPRoute", "spec: {rules: [{backendRefs: [{name: web, port: 80}]}]}", "its rules are not in force"),
        (
            "VirtualService",
            "spec: {http: [{route: [{destination: {host: web}}]}]}",
            "no VirtualService delegates to it",
        ),
    ],
)
def test_rules_that_are_not_in_force(tmp_path: Path, kind: str, rest: str, why: str) -> None:
    (verdict,) = verdicts(tmp_path, kind, rest)
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert why in verdict.reason


@pytest.mark.parametrize("spec", ["http: [{redirect: {}}]", "http: [{directResponse: {status: 600}}]"])
def test_what_is_wrong_cannot_be_allowed_to_be_unproved(tmp_path: Path, spec: str) -> None:
    """A cluster does not take the first, Envoy the second."""
    file = tmp_path / "only.yaml"
    head = f"apiVersion: {HEADS['VirtualService']}\nkind: VirtualService\nmetadata: {{name: only}}\n"
    file.write_text(f"{head}spec: {{hosts: [a.example.com], gateways: [edge], {spec}}}\n")
    kinds = frozenset({"VirtualService"})
    prepared = prepare_verification([str(file)], [], (), Precision(), any_client=True, allowed=kinds)
    assert [(one.kind, one.allowed) for one in prepared.coverage.dependences] == [("VirtualService", False)]
    with pytest.raises(ManifestError):
        prepare_verification([str(file)], [], (), Precision(), any_client=True, allowed=kinds, strict=True)


def test_an_object_that_is_wrong_or_not_read_is_one_of_those_that_are_there(tmp_path: Path) -> None:
    file = tmp_path / "four.yaml"
    rules = "{hosts: [a.example.com], gateways: [edge], http: [{directResponse: {status: STATUS}}]}"
    several = [
        f"apiVersion: {HEADS['VirtualService']}\nkind: VirtualService\nmetadata: {{name: v{status}}}\n"
        f"spec: {rules.replace('STATUS', status)}\n"
        # Envoy refuses the second, istiod the third.
        for status in ("200", "600", "99")
    ]
    several.append("apiVersion: networking.istio.io/v1alpha3\nkind: EnvoyFilter\nmetadata: {name: f}\n")
    file.write_text("---\n".join(several))
    found = prepare_verification([str(file)], [], (), Precision(), any_client=True).coverage
    assert (found.objects, len({one.subject for one in found.dependences})) == (4, 3)


@pytest.mark.parametrize("rule", ["matchh: [], redirect: {uri: /new}", "redirect: {uri: *new}"])
def test_a_named_request_tells_of_the_rule_for_it_that_a_cluster_refuses(tmp_path: Path, rule: str) -> None:
    file = tmp_path / "shop.yaml"
    file.write_text(f"""\
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {{name: edge}}
spec: {{selector: {{istio: ingressgateway}}, servers: [{SERVER}]}}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {{name: shop}}
spec: {{hosts: [a.example.com], gateways: [edge], http: [{{{rule}}}]}}
""")
    asked = [parse("http://a.example.com/"), parse("http://b.example.com/")]
    (_, own), (_, other) = prepare_verification([str(file)], [], asked, Precision()).coverage.unanswered
    assert f"404: no server and VirtualService of this Gateway share the host a.example.com; {file}:9:" in own
    assert str(file) not in other
