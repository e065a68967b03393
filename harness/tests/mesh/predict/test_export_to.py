"""Who sees what: exportTo of VirtualServices and Services, and which of several VirtualServices decides."""

from __future__ import annotations

import pytest
from meshproof.border.request import Request, parse
from meshproof.border.source import Source, source
from meshproof.mesh.predict.prediction import predict

FRONT = """---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: front}
spec:
  selector: {istio: ingressgateway}
  servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: ["*"]}]
"""


def answering(name: str, status: int, *, namespace: str = "default", made: str = "", more: str = "") -> str:
    """A VirtualService for the greeter that answers everything with a status."""
    stamp = f', creationTimestamp: "{made}"' if made else ""
    return (
        f"---\napiVersion: networking.istio.io/v1\nkind: VirtualService\n"
        f"metadata: {{name: {name}, namespace: {namespace}{stamp}}}\n"
        "spec:\n  hosts: [greeter.default.svc.cluster.local]\n"
        f"  http: [{{directResponse: {{status: {status}}}}}]\n{more}"
    )


def status(mesh, namespace: str = "default") -> int:
    return predict(mesh, parse("http://greeter.default:5000/"), source(namespace)).status


@pytest.mark.parametrize(
    ("entries", "seen_by"),
    [
        ("", ("default", "shop", "other")),
        ("  exportTo: []\n", ("default", "shop", "other")),
        ("  exportTo: ['*']\n", ("default", "shop", "other")),
        ("  exportTo: [.]\n", ("default",)),
        ("  exportTo: [default]\n", ("default",)),
        ("  exportTo: [shop]\n", ("shop",)),
        ("  exportTo: [., shop]\n", ("default", "shop")),
    ],
)
def test_a_virtual_service_is_for_the_namespaces_that_it_is_exported_to(built, entries: str, seen_by) -> None:
    mesh = built(answering("a", 201, more=entries)).mesh
    assert tuple(one for one in ("default", "shop", "other") if status(mesh, one) == 201) == seen_by


def test_at_a_gateway_counts_what_is_exported_to_the_namespace_of_its_pods(built) -> None:
    asked = Request("GET", "greeter.default.svc.cluster.local", 80, gateway="default/front")
    for entries, answer in (("[istio-system]", 201), ("[.]", 404), ("['*']", 201)):
        mesh = built(FRONT + answering("a", 201, more=f"  gateways: [front]\n  exportTo: {entries}\n")).mesh
        assert predict(mesh, asked).status == answer, entries


def test_the_pods_of_a_gateway_are_those_that_it_selects_wherever_they_are(built) -> None:
    pods = """---
apiVersion: apps/v1
kind: Deployment
metadata: {name: ingress, namespace: edge}
spec:
  selector: {matchLabels: {istio: ingressgateway}}
  template:
    metadata: {labels: {istio: ingressgateway, tier: a}}
    spec: {containers: [{name: c, image: example/proxy}]}
"""
    asked = Request("GET", "greeter.default.svc.cluster.local", 80, gateway="default/front")
    for entries, answer in (("[edge]", 201), ("[istio-system]", 404)):
        text = FRONT + pods + answering("a", 201, more=f"  gateways: [front]\n  exportTo: {entries}\n")
        assert predict(built(text).mesh, asked).status == answer, entries


def test_of_several_the_oldest_decides_alone(built) -> None:
    newer = answering("a", 201, made="2026-05-02T10:00:00Z")
    older = answering("b", 202, made="2026-05-01T23:00:00-02:00")
    assert status(built(newer + older).mesh) == 202
    assert status(built(newer + older.replace("-02:00", "-12:00")).mesh) == 201


def test_of_one_second_the_name_decides_and_then_the_namespace(built) -> None:
    stamp = "2026-05-02T10:00:00Z"
    assert status(built(answering("b", 201, made=stamp) + answering("a", 202, made=stamp)).mesh) == 202
    same = answering("a", 201, made=stamp) + answering("a", 202, made=stamp, namespace="area")
    assert status(built(same).mesh) == 202


def test_what_has_no_age_comes_last_in_the_order_of_the_files(built) -> None:
    assert status(built(answering("b", 201) + answering("a", 202)).mesh) == 201
    assert status(built(answering("b", 201) + answering("a", 202, made="2026-05-02T10:00:00Z")).mesh) == 202


def test_what_is_exported_to_ones_own_namespace_alone_comes_before_what_is_older(built) -> None:
    everybodys = answering("a", 201, made="2026-05-01T10:00:00Z")
    own = answering("b", 202, made="2026-05-02T10:00:00Z", more="  exportTo: [.]\n")
    mesh = built(everybodys + own).mesh
    assert (status(mesh), status(mesh, "shop")) == (202, 201)


def test_ones_own_comes_before_what_others_export_to_one_and_that_before_what_everybody_sees(built) -> None:
    everybodys = answering("a", 201, made="2026-05-01T10:00:00Z")
    given = answering("b", 202, made="2026-05-02T10:00:00Z", more="  exportTo: [shop]\n")
    own = answering("c", 203, made="2026-05-03T10:00:00Z", namespace="shop", more="  exportTo: [shop, default]\n")
    assert status(built(everybodys + given).mesh, "shop") == 202
    assert status(built(everybodys + given + own).mesh, "shop") == 203
    assert status(built(everybodys + given + own).mesh, "default") == 203
    assert status(built(everybodys + given + own).mesh, "other") == 201


def test_at_a_gateway_they_are_merged_in_that_order_what_catches_all_last(built) -> None:
    def of(name: str, answer: int, path: str, made: str) -> str:
        match = f"match: [{{uri: {{prefix: {path}}}}}], " if path else ""
        return (
            f"---\napiVersion: networking.istio.io/v1\nkind: VirtualService\n"
            f'metadata: {{name: {name}, creationTimestamp: "{made}"}}\n'
            "spec:\n  hosts: [shop.example.com]\n  gateways: [front]\n"
            f"  http: [{{{match}directResponse: {{status: {answer}}}}}]\n"
        )

    several = (
        of("a", 201, "/x", "2026-05-03T10:00:00Z"),
        of("b", 202, "/x/y", "2026-05-02T10:00:00Z"),
        of("c", 203, "", "2026-05-01T10:00:00Z"),
    )
    mesh = built(FRONT + "".join(several)).mesh
    found = [
        predict(mesh, Request("GET", "shop.example.com", 80, path, gateway="default/front")).status
        for path in ("/x/y", "/x", "/")
    ]
    assert found == [202, 201, 203]


def service(name: str, entries: str, namespace: str = "default") -> str:
    return (
        f"---\napiVersion: v1\nkind: Service\n"
        f"metadata: {{name: {name}, namespace: {namespace},\n"
        f"  annotations: {{networking.istio.io/exportTo: '{entries}'}}}}\n"
        "spec: {selector: {app: greeter}, ports: [{name: http, port: 80}]}\n"
    )


@pytest.mark.parametrize(
    ("entries", "seen_by"),
    [
        ("", ("default", "shop")),
        ("*", ("default", "shop")),
        (".", ("default",)),
        ("shop", ("shop",)),
        (". , shop", ("default", "shop")),
        ("~", ()),
        ("~,shop", ()),
        ("*,~", ("default", "shop")),
    ],
)
def test_a_service_is_for_the_namespaces_that_its_annotation_names(built, entries: str, seen_by) -> None:
    mesh = built(service("hidden", entries) + service("beside", "*")).mesh
    asked = parse("http://hidden.default/")
    found = [one for one in ("default", "shop") if predict(mesh, asked, source(one)).arms]
    assert tuple(found) == seen_by
    for one in {"default", "shop"} - set(seen_by):
        expected = predict(mesh, asked, source(one))
        assert (expected.status, expected.refused) == (502, "")


def test_nothing_listens_on_a_port_that_only_hidden_services_have(built) -> None:
    mesh = built(service("hidden", ".")).mesh
    assert predict(mesh, parse("http://hidden.default/"), source("shop")).refused == "connection"


ROUTE = """---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {{name: a, namespace: {place}}}
spec:
  hosts: [greeter.default.svc.cluster.local]
  http:
  - match: [{{sourceNamespace: {source}}}]
    route: [{{destination: {{host: hidden.{owner}.svc.cluster.local, port: {{number: 80}}}}}}]
  - route: [{{destination: {{host: hidden.{owner}.svc.cluster.local, port: {{number: 80}}}}}}]
"""


def led(built, owner: str, *, namespace: str, source: str = "default") -> bool:
    text = service("hidden", "~", owner) + ROUTE.format(place="default", owner=owner, source=source)
    (arm,) = predict(built(text).mesh, parse("http://greeter.default:5000/"), Source(namespace)).arms
    return "not exported" not in arm.note


def test_a_rule_leads_to_no_service_of_another_namespace_that_is_not_exported(built) -> None:
    assert not led(built, "shop", namespace="default")


def test_a_sidecar_has_what_rules_lead_to_in_its_own_namespace_whether_or_not_it_is_exported(built) -> None:
    assert led(built, "default", namespace="default")
    text = service("hidden", "~") + ROUTE.format(place="default", owner="default", source="default")
    found = predict(built(text).mesh, parse("http://greeter.default:5000/"), source("default"))
    assert "not exported to default: istiod gives its endpoints in some pushes alone" in found.undecided
    assert not led(built, "default", namespace="shop", source="shop")


def test_a_gateway_has_nothing_that_is_not_exported_to_it(built) -> None:
    def reached(entries: str) -> bool:
        route = (
            "---\napiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: a}\n"
            "spec:\n  hosts: [shop.example.com]\n  gateways: [front]\n"
            "  http: [{route: [{destination: {host: hidden}}]}]\n"
        )
        mesh = built(FRONT + service("hidden", entries) + route).mesh
        (arm,) = predict(mesh, Request("GET", "shop.example.com", 80, gateway="default/front")).arms
        return "not exported to istio-system" not in arm.note

    assert [reached(one) for one in ("*", "istio-system", ".", "~")] == [True, True, False, False]
