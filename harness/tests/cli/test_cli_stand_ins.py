"""Routing alone, and gateways without their Secret, are verified on real Envoys; what the report repeats works."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

ROUTING = """\
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: shop}
spec: {host: shop, subsets: [{name: blue, labels: {colour: blue}}, {name: green, labels: {colour: green}}]}
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: edge}
spec:
  selector: {istio: ingressgateway}
  servers:
  - {port: {number: 443, name: https, protocol: HTTPS}, hosts: ["*.example"], tls: {mode: SIMPLE, credentialName: cert}}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: shop}
spec:
  hosts: [shop, shop.example]
  gateways: [mesh, edge]
  http:
  - route:
    - {destination: {host: shop, subset: blue, port: {number: 8080}}, weight: 80}
    - {destination: {host: shop, subset: green, port: {number: 8080}}, weight: 20}
"""
REQUESTS = ("--request", "GET http://shop:8080/", "--request", "GET https://shop.example/")


def spec(place: Any, **files: str) -> Path:
    folder: Path = place.here / "spec"
    folder.mkdir()
    for name, text in {"routing": ROUTING, **files}.items():
        (folder / f"{name}.yaml").write_text(text)
    return folder


def checks(report: Any) -> dict[tuple[str, str], str]:
    return {(one["scenario"], one["check"]): one["outcome"] for one in report["checks"]}


def test_routing_alone_is_verified_and_repeated_from_the_runs_folder(place: Any) -> None:
    spec(place, kustomization="resources: [routing.yaml]\n", values="replicas: 2\n")
    ended = place.run(*place.verify, *REQUESTS, "--output", "out", "-o", "json")
    assert ended.code == 0, ended.err
    assert checks(ended.report)["verify", "Split"] == "passed"
    for said in (
        "Services and workloads stand in for shop.default:8080",
        "a self-signed certificate",
        "a kustomization",
    ):
        assert said in ended.err
    page = (place.here / "out" / "report.html").read_text()
    (shown,) = re.findall(r"<pre>(meshproof verify .*?)</pre>", page)
    command = shlex.split(shown.replace("&#39;", "'"))
    assert command[:4] == ["meshproof", "verify", "-f", "manifests/verify/applied-0.yaml"]
    assert "--output" not in command
    moved = place.here / "out"
    (place.here / "spec").rename(place.here / "gone")
    again = place.run(*command[1:3], moved / command[3], *command[4:])
    assert again.code == 0, again.err
    assert checks(again.report) == checks(ended.report)


def test_strictly_nothing_stands_in(place: Any) -> None:
    spec(place)
    ended = place.run(*place.verify, "--strict")
    assert ended.code == 4
    assert "Service default/shop: is not among the manifests" in ended.err
    assert "Secret istio-system/cert: is not among the manifests" in ended.err


def test_a_template_beside_it_costs_what_it_names(place: Any) -> None:
    spec(place, template="kind: Service\nmetadata: {name: {{ .Values.name }}}\n")
    ended = place.run(*place.verify, *REQUESTS[:2])
    assert ended.code == 0, ended.err
    (place.here / "spec" / "template.yaml").write_text("kind: {{ .Values.kind }}\nspec: {hosts: [shop]}\n")
    ended = place.run(*place.verify, *REQUESTS[:2])
    assert ended.code == 1
    assert "this is a Helm template" in ended.out
