"""GRPCRoutes beside HTTPRoutes of the same name."""

from __future__ import annotations

import io

import pytest
from meshproof.manifest import load
from meshproof.mesh.build.assemble import build_all
from meshproof.mesh.model.unmodelled import Asked

SERVICES = "".join(
    f"""
apiVersion: v1
kind: Service
metadata: {{name: {name}}}
spec: {{selector: {{app: {name}}}, ports: [{{name: http, port: 80}}]}}
---"""
    for name in ("web", "api")
)


def route(kind: str, parent: str, name: str = "both", hostnames: str = "") -> str:
    return f"""
apiVersion: gateway.networking.k8s.io/v1
kind: {kind}
metadata: {{name: {name}}}
spec:
  parentRefs: [{parent}]
  hostnames: [{hostnames}]
  rules: [{{backendRefs: [{{name: api, port: 80}}]}}]
---"""


def service(name: str) -> str:
    return f"{{group: '', kind: Service, name: {name}}}"


@pytest.mark.parametrize(
    ("calls", "others", "told"),
    [
        (route("GRPCRoute", service("web")), route("HTTPRoute", service("api")), True),
        (route("GRPCRoute", service("web")), route("HTTPRoute", "{name: edge}"), True),
        (route("GRPCRoute", service("web")), route("HTTPRoute", service("web")), False),
        (route("GRPCRoute", service("web")), route("HTTPRoute", service("api"), name="other"), False),
        (route("GRPCRoute", service("web")), route("GRPCRoute", service("api"), name="third"), False),
    ],
)
def test_one_name_of_two_routes_for_different_parents_is_told(calls: str, others: str, told: bool) -> None:
    found = build_all(load(["-"], stdin=io.StringIO(SERVICES + calls + others))).mesh.unmodelled
    said = [one for one in found if "istiod mixes the two up" in one.why]
    assert [one.subject for one in said] == (["GRPCRoute default/both"] if told else [])
    for one in said:
        assert one.touches == (Asked(("web.default.svc.cluster.local",), ("mesh",)),)
