"""VirtualServices for ExternalNames: what is predicted of requests by each name, and what a real Envoy does."""

from __future__ import annotations

import asyncio
import io

import pytest
from meshproof.border.request import Request
from meshproof.border.source import source
from meshproof.manifest import load
from meshproof.mesh.build.assemble import build_strictly
from meshproof.mesh.predict.prediction import predict

SITE = "".join(
    f"""\
apiVersion: v1
kind: Service
metadata: {{name: {name}, namespace: {namespace}}}
spec: {{selector: {{app: {name}}}, ports: [{{name: http, port: 80}}, {{name: http-b, port: 81, targetPort: 80}}]}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}, namespace: {namespace}}}
spec:
  selector: {{matchLabels: {{app: {name}}}}}
  template:
    metadata: {{labels: {{app: {name}}}}}
    spec: {{containers: [{{name: c, image: x, ports: [{{containerPort: 80}}]}}]}}
---
"""
    for name, namespace in (("web", "default"), ("v1", "default"), ("v2", "default"), ("far", "shop"))
)
WEB = "web.default.svc.cluster.local"
FULL = "old.default.svc.cluster.local"
NAMES = ("old", "old.default", "old.default.svc", FULL, f"{FULL}.")


def alias(of: str, ports: str = "{name: http, port: 80}", more: str = "") -> str:
    head = f"apiVersion: v1\nkind: Service\nmetadata: {{name: old, namespace: default{more}}}\n"
    return f"{head}spec: {{type: ExternalName, externalName: {of}, ports: [{ports}]}}\n---\n"


def rule(name: str, hosts: str, to: str, match: str = "") -> str:
    head = f"apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {{name: {name}, namespace: default}}\n"
    route = f"{match}route: [{{destination: {{host: {to}, port: {{number: 80}}}}}}]"
    return f"{head}spec: {{hosts: [{hosts}], http: [{{{route}}}]}}\n---\n"


ALL = ["v1"] * 5
# By its name in full alone, which no other one has.
WEBS, TWOS = ["web"] * 5, ["v2"] * 5
IN_FULL = ["web", "web", "web", "v1", "web"]
HIDDEN = ", annotations: {networking.istio.io/exportTo: shop}"
CASES = {
    "its own rule": (alias(WEB) + rule("a", "old", "v1"), ALL, WEBS),
    "of nothing that is known": (alias("api.example.com") + rule("a", "old", "v1"), ALL, [502] * 5),
    "without ports": (alias(WEB, "") + rule("a", "old", "v1"), IN_FULL, WEBS),
    "of another port": (alias(WEB, "{name: http, port: 81}") + rule("a", "old", "v1"), IN_FULL, ALL),
    "no HTTP": (alias(WEB, "{name: tcp, port: 80}") + rule("a", "old", "v1"), WEBS, WEBS),
    "for others": (alias(WEB, more=HIDDEN) + rule("a", "old", "v1"), IN_FULL, WEBS),
    "a rule for others": (
        alias(WEB) + rule("a", "old", "v1", "match: [{sourceLabels: {a: b}}], "),
        WEBS,
        WEBS,
    ),
    "by a pattern": (
        alias("far.shop.svc.cluster.local") + rule("a", "'*.default.svc.cluster.local'", "v1"),
        ALL,
        ["far"] * 5,
    ),
    "by two patterns": (
        alias("far.shop.svc.cluster.local")
        + rule("a", "'*.svc.cluster.local'", "v2")
        + rule("b", "'*.default.svc.cluster.local'", "v1"),
        # What it stands for has a rule, too, which is the first.
        TWOS,
        TWOS,
    ),
    "before that of what it stands for": (
        alias(WEB) + rule("a", "old", "v1") + rule("b", "web", "v2"),
        ALL,
        TWOS,
    ),
    "after that of what it stands for": (
        alias(WEB) + rule("a", "web", "v2") + rule("b", "old", "v1"),
        TWOS,
        TWOS,
    ),
    "beside a foreign host": (
        alias(WEB, "{name: http, port: 81}") + rule("a", "foreign.example, old", "v1"),
        IN_FULL,
        ALL,
    ),
}


@pytest.mark.parametrize(("text", "at_80", "at_81"), CASES.values(), ids=CASES)
def test_rules_for_an_alias(site, text: str, at_80: list[str | int], at_81: list[str | int]) -> None:
    mesh = build_strictly(load(["-"], stdin=io.StringIO(SITE + text))).mesh
    asked = [(name, port) for port in (80, 81) for name in NAMES]

    async def scene() -> list[str | int]:
        async with site() as s:
            _, ports = await s.serve(mesh)
            answers = [await s.ask(ports[port], host=name) for name, port in asked]
            return [body.removesuffix("-0") if status == 200 else status for status, _, body in answers]

    assert asyncio.run(scene()) == [*at_80, *at_81]
    predicted = [predict(mesh, Request("GET", name, port), source("default")) for name, port in asked]
    found = [sorted(one.partition("/")[2] for arm in each.arms for one in arm.workloads) or [502] for each in predicted]
    assert found == [[one] for one in (*at_80, *at_81)]
    assert not [one for one in mesh.unmodelled if "VirtualService" in one.why]
