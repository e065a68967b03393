"""Delegation that is not known or refused: what it costs, and which requests."""

from __future__ import annotations

import io

import pytest
from delegation import PART, ROOT, TO_V2, written
from meshproof.border.request import parse
from meshproof.errors import ManifestError
from meshproof.manifest import load
from meshproof.mesh.build.assemble import build_all
from meshproof.mesh.coverage.dependencies import Dependencies
from meshproof.mesh.coverage.facts import facts
from meshproof.mesh.predict.prediction import predict

WHOLE = "name: r"


@pytest.mark.parametrize(
    ("entries", "seen"),
    [
        ("", True),
        ("exportTo: ['*']", True),
        ("exportTo: [default]", True),
        ("exportTo: [.]", False),
        ("exportTo: [x]", False),
    ],
)
def test_a_delegate_must_be_exported_to_the_namespace_of_its_root(built, entries: str, seen: bool) -> None:
    text = ROOT.format(root=WHOLE).replace("name: part", "name: part, namespace: shop")
    text += PART.format(
        part=TO_V2.replace("greeter,", "greeter.default.svc.cluster.local,"),
        place=", namespace: shop",
        spec=f"  {entries}",
    )
    found = built(text)
    assert len(found.mesh.virtual_services[0].http) == (2 if seen else 1)
    assert any("is not exported to default" in one.why for one in found.mesh.unmodelled) is not seen


def test_a_virtual_service_with_hosts_is_no_delegate(built) -> None:
    found = built(written(WHOLE, TO_V2, spec="  hosts: [other]"))
    assert [one.name for one in found.mesh.virtual_services] == ["root", "part"]
    assert len(found.mesh.virtual_services[0].http) == 1
    (gap,) = found.mesh.unmodelled
    assert "which has hosts: istiod leaves it out" in gap.why


def test_the_rules_of_a_delegate_that_nobody_names_are_not_proved(built) -> None:
    found = built(PART.format(part=TO_V2, place="", spec=""))
    assert found.mesh.virtual_services == ()
    assert [one.why for one in found.mesh.unmodelled] == [
        "it has no hosts, and no VirtualService delegates to it: its rules are not in force"
    ]


def touched(text: str, *asked: str) -> list[list[str]]:
    built = build_all(load(["-"], stdin=io.StringIO(text), strict=False))
    dependencies = Dependencies(built.mesh, built.mesh.unmodelled)
    return [
        [one.why for one in dependencies.touching(facts(built.mesh, predict(built.mesh, parse(request))))]
        for request in asked
    ]


SERVICE = """---
apiVersion: v1
kind: Service
metadata: {name: greeter}
spec: {selector: {app: greeter}, ports: [{name: http, port: 5000}]}
"""


def test_a_rule_whose_delegate_is_not_among_the_manifests_keeps_its_place_and_is_not_proved() -> None:
    text = SERVICE + ROOT.format(root="match: [{uri: {prefix: /a}}]")
    (why,), others = touched(text, "http://greeter:5000/a", "http://greeter:5000/b")
    assert why == (
        "it delegates to VirtualService default/part, which is not among these manifests: "
        "istiod leaves the rule out without it"
    )
    assert others == []


def test_where_no_other_rule_is_certain_all_requests_for_the_host_depend_on_it() -> None:
    alone = SERVICE + ROOT.format(root="match: [{uri: {prefix: /a}}]").replace(
        "  - directResponse: {status: 404}\n", ""
    )
    assert all(touched(alone, "http://greeter:5000/a", "http://greeter:5000/b"))
    some = alone + "  - match: [{sourceNamespace: shop}]\n    directResponse: {status: 404}\n"
    assert all(touched(some, "http://greeter:5000/a", "http://greeter:5000/b"))


def test_a_delegate_that_a_cluster_refuses_costs_what_is_delegated_to_it_alone() -> None:
    text = SERVICE + written("match: [{uri: {prefix: /a}}]", "timeout: 1s")
    several, others = touched(text, "http://greeter:5000/a", "http://greeter:5000/b")
    assert any("which a cluster refuses" in why for why in several)
    assert any("needs one of route, redirect and directResponse" in why for why in several)
    assert others == []
    built = build_all(load(["-"], stdin=io.StringIO(text), strict=False))
    assert [one.needs for one in built.mesh.unmodelled if "which a cluster refuses" in one.why] == ["correct it"]


def test_a_fault_of_the_root_comes_before_an_answer_of_the_delegate_and_is_not_proved(built) -> None:
    fault = "fault: {abort: {httpStatus: 500, percentage: {value: 100}}}"
    for part, status in (("redirect: {uri: /}", 301), ("directResponse: {status: 201}", 201)):
        expected = predict(built(written(fault, part)).mesh, parse("http://greeter:5000/"))
        assert (expected.status, expected.abort.status) == (status, 500)
        (why,) = touched(SERVICE + written(fault, part), "http://greeter:5000/")[0]
        assert "no check judges both" in why


@pytest.mark.parametrize(
    ("default", "own", "seen"),
    [
        ("['.']", "", False),
        ("[shop]", "", False),
        ("['~']", "", False),
        ("['*']", "", True),
        ("[default]", "", True),
        ("['.']", "exportTo: ['*']", True),
    ],
)
def test_a_delegate_that_does_not_say_is_exported_as_the_mesh_has_it(built, default: str, own: str, seen: bool) -> None:
    config = f"""---
apiVersion: v1
kind: ConfigMap
metadata: {{name: istio, namespace: istio-system}}
data: {{mesh: "defaultVirtualServiceExportTo: {default}"}}
"""
    text = ROOT.format(root=WHOLE).replace("name: part", "name: part, namespace: shop")
    text += PART.format(part=TO_V2, place=", namespace: shop", spec=f"  {own}")
    found = built(text + config)
    assert len(found.mesh.virtual_services[0].http) == (2 if seen else 1)
    assert any("is not exported to default" in one.why for one in found.mesh.unmodelled) is not seen


@pytest.mark.parametrize(
    ("root", "part", "spec", "said"),
    [
        (f"{WHOLE}\n    {TO_V2}", TO_V2, "", "both delegate and route"),
        ("redirect: {uri: /}", TO_V2, "", "both delegate and redirect"),
        (WHOLE, "delegate: {name: further}", "", "delegates further"),
        (WHOLE, TO_V2, "  gateways: [edge]", "has gateways and no hosts"),
    ],
)
def test_what_istiod_refuses(built, root: str, part: str, spec: str, said: str) -> None:
    with pytest.raises(ManifestError, match=said):
        built(written(root, part, spec=spec))


FRONT = """\
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: front}
spec:
  selector: {istio: ingressgateway}
  servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: [shop.example.com]}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: wide, creationTimestamp: "2026-05-01T10:00:00Z"}
spec:
  hosts: ["*"]
  gateways: [front]
  http: [{directResponse: {status: 404}}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: narrow, creationTimestamp: "2026-05-02T10:00:00Z"}
spec:
  hosts: [shop.example.com]
  gateways: [front]
  http:
  - {name: r, delegate: {name: nowhere}}
  - match: [{queryParams: {r: {exact: "1"}}}]
    directResponse: {status: 201}
"""


def test_a_rule_whose_delegate_is_unknown_takes_nothing_and_leaves_what_meets_it_unproved() -> None:
    """It is no rule that catches all, so that those after it count; what could have met it is not known."""
    mesh = build_all(load(["-"], stdin=io.StringIO(FRONT), strict=False)).mesh
    asked = parse("http://shop.example.com/?r=1", gateway="default/front")
    expected = predict(mesh, asked)
    assert expected.status == 201
    (one,) = Dependencies(mesh, mesh.unmodelled).touching(facts(mesh, expected))
    assert "delegates to VirtualService default/nowhere" in one.why
