"""A request that is named is held against the same documents, however they are written, as if all were read."""

from __future__ import annotations

import io

import pytest
from asked_manifests import FAR, LIST, PODS, RULE, STOCK, WEB, read
from meshproof.border.request import parse
from meshproof.manifest import load
from meshproof.mesh.coverage.asked import asked


@pytest.mark.parametrize(
    "service",
    [
        pytest.param(STOCK, id="plain"),
        pytest.param(STOCK.replace("  name:", "  labels:\n    name: other\n  name:"), id="a label called name"),
        pytest.param(STOCK.replace("Service", "Service # of goods"), id="a comment"),
        pytest.param(STOCK.replace("kind", '"kind"'), id="a key in quotes"),
        pytest.param(STOCK.replace(": v1", ': "v1"'), id="a version in quotes"),
        pytest.param(STOCK.replace(": stock\n", ': "stock" # goods\n'), id="a name in quotes"),
        pytest.param(STOCK.replace("\n", "\r\n"), id="lines of Windows"),
        pytest.param(LIST, id="an item of a list"),
        pytest.param(STOCK.replace("metadata:\n", "metadata:\n\n# of goods\n"), id="a comment that is not indented"),
    ],
)
def test_what_a_rule_leads_to_is_read_however_it_is_written(service: str) -> None:
    text = f"{WEB}{service}{RULE}{PODS}{FAR}".replace("HOST", "stock").replace("NAME", "far")

    assert read(text) == {
        "Service web",
        "VirtualService routes",
        "Service stock",
        "DestinationRule limits",
        "Deployment pods",
    }


@pytest.mark.parametrize("host", ["stock", "stock.example.com", '"stock"', "STOCK.other"])
def test_a_policy_for_what_is_no_service_of_the_folder_is_read(host: str) -> None:
    assert "DestinationRule limits" in read(f"{WEB}{RULE}".replace("HOST", host))


@pytest.mark.parametrize(
    "host", ["host: stock", '"host": stock', "host:\n    stock", "host: &a stock", "? host\n  : stock"]
)
def test_a_policy_is_read_however_its_host_is_written(host: str) -> None:
    rule = (
        f"---\napiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {{name: limits}}\nspec:\n  {host}\n"
    )

    assert "DestinationRule limits" in read(f"{WEB}{rule}".replace("HOST", "stock"))


def test_a_policy_for_another_host_is_not_read() -> None:
    assert "DestinationRule limits" not in read(WEB.replace("HOST", "stock") + RULE.replace("HOST", "else"))


@pytest.mark.parametrize(
    "twice",
    [
        FAR.replace("NAME", "pods"),
        RULE.replace("HOST", "else"),
        STOCK.replace("name: stock", "name: stock\n  labels: {a: b}"),
    ],
)
def test_an_object_that_is_given_twice_is_no_less_so_for_a_named_request(twice: str) -> None:
    text = f"{WEB}{STOCK}{RULE}{PODS}".replace("HOST", "stock")

    assert any(one.startswith("refused") for one in read(f"{text}---\n{twice.removeprefix('---')}"))
    assert any(one.startswith("refused") for one in read(f"{twice.removeprefix('---')}---\n{text}"))


def test_an_object_of_that_name_in_another_namespace_is_not_read() -> None:
    text = f"{WEB}{STOCK}{PODS}".replace("HOST", "stock").replace("{name: pods}", "{name: pods, namespace: default}")
    other = FAR.replace("{name: NAME}", "{name: pods, namespace: other}")

    assert "Deployment pods" in read(text)
    assert len(load(["-"], stdin=io.StringIO(text + other), choose=asked([parse("GET http://web/")])).resources) == 4


def test_a_name_that_is_broken_by_an_escaped_line_end_is_read() -> None:
    for end in ("\n", "\r\n"):
        rule = f'{{host: "sto\\{end}    ck"}}'
        text = WEB.replace("HOST", "stock") + RULE.replace("{host: HOST,", rule.removesuffix("}") + ",")

        assert "DestinationRule limits" in read(text)


def test_a_rollout_that_writes_into_a_rule_is_read_whatever_pods_it_has() -> None:
    rollout = """---
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata:
  name: goods
  labels: {app: goods}
spec:
  workloadRef: {apiVersion: apps/v1, kind: Deployment, name: else}
  selector: {matchLabels: {app: else}}
  strategy: {canary: {trafficRouting: {istio: {virtualService: {name: NAME}}}}}
"""
    assert "Rollout goods" in read(WEB + rollout.replace("NAME", "routes"))
    assert "Rollout goods" not in read(WEB + rollout.replace("NAME", "others"))


def test_a_rollout_and_the_workload_that_has_its_template_are_read_together() -> None:
    rollout = """---
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata:
  name: rolling
  labels: {team: a}
spec:
  workloadRef: {apiVersion: apps/v1, kind: Deployment, name: NAME}
  selector: {matchLabels: {app: any}}
"""
    text = WEB.replace("HOST", "stock") + STOCK + PODS + FAR.replace("NAME", "far")
    assert {"Rollout rolling", "Deployment pods"} <= read(text + rollout.replace("NAME", "pods"))
    assert "Rollout rolling" not in read(text + rollout.replace("NAME", "far"))
    writing = "  strategy: {canary: {trafficRouting: {istio: {virtualService: {name: routes}}}}}\n"
    assert {"Rollout rolling", "Deployment far"} <= read(text + rollout.replace("NAME", "far") + writing)


def test_manifests_with_a_service_that_no_request_meets_are_no_routing_alone() -> None:
    outside = """apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: out}
spec: {hosts: [out.example.com], ports: [{number: 80, name: http, protocol: HTTP}], resolution: DNS}
---
"""
    text = outside + WEB.replace("hosts: [web]", "hosts: [out.example.com]").replace("HOST", "stock")

    assert "Service web" in read(text.replace("host: web", "host: gone"), "GET http://out.example.com/")
