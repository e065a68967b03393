"""Connections at gateways, of one's own manifests: driven and judged one by one, on real Envoys."""

from __future__ import annotations

from pathlib import Path

import pytest
from meshproof.border.request import parse
from meshproof.border.verdict import Outcome
from meshproof.run.verification.verification import Verification, prepare_verification
from meshproof.suite import folder
from sure import SURE

ECHO = (folder("scenarios") / "tcp" / "echo.yaml").read_text()
GATEWAY = """
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: edge}
spec:
  selector: {istio: ingressgateway}
  servers:
  - {port: {number: 31400, name: tcp, protocol: TCP}, hosts: ["*"]}
  - {port: {number: 443, name: pass, protocol: TLS}, hosts: ["*.example.com"], tls: {mode: PASSTHROUGH}}
---
"""
RULES = """
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: edge}
spec:
  hosts: ["*.example.com"]
  gateways: [edge]
  tcp:
  - match: [{port: 31400}]
    route:
    - {destination: {host: tcp-echo, subset: v1}, weight: 80}
    - {destination: {host: tcp-echo, subset: v2}, weight: 20}
  tls:
  - match: [{sniHosts: [a.example.com]}]
    route: [{destination: {host: tcp-echo, subset: v1}}]
  - match: [{sniHosts: [b.example.com]}]
    route: [{destination: {host: tcp-echo, subset: v2}}]
---
"""


def prepared(tmp_path: Path, applied: str = "", *requests: str) -> Verification:
    (tmp_path / "spec.yaml").write_text(f"{ECHO}---\n{GATEWAY}{RULES}")
    (tmp_path / "applied.yaml").write_text(f"{ECHO}---\n{GATEWAY}{applied}")
    running = [str(tmp_path / "applied.yaml")] if applied else []
    return prepare_verification([str(tmp_path / "spec.yaml")], running, [parse(one) for one in requests], SURE)


def test_every_rule_and_what_lies_beside_its_names_is_asked_for(tmp_path: Path) -> None:
    found = prepared(tmp_path)
    assert found.samples is not None
    entering = "(by gateway default/edge)"
    names = ("a", "x-a", "b", "x-b")
    asked = [*(f"tls://{name}.example.com:443 {entering}" for name in names), f"tcp://www.example.com:31400 {entering}"]
    asked.append("tcp://tcp-echo:9000")
    assert [str(one) for one in found.samples.load.requests] == asked
    assert [len(requests) for _, requests in found.coverage.rules] == [1, 1, 1]
    assert (found.coverage.dependences, found.coverage.unreached) == ((), ())


def test_a_named_connection_enters_by_the_gateway_that_serves_it(tmp_path: Path) -> None:
    found = prepared(tmp_path, "", "tls://b.example.com:443", "https://a.example.com/", "tcp://b.example.com:443")
    assert found.samples is not None
    assert [one.gateway for one in found.samples.load.requests] == ["default/edge"]
    (passed, unknown) = (why for _, why in found.coverage.unanswered)
    assert passed.endswith("ask for tls://a.example.com:443")
    assert "no Service is called b.example.com" in unknown


@pytest.mark.parametrize(
    ("old", "new", "wrong"),
    [
        ("", "", set()),
        ("weight: 80", "weight: 20", {"tcp://www.example.com:31400"}),
        pytest.param(
            "sniHosts: [a.example.com]",
            "sniHosts: ['*.example.com']",
            {"tls://x-a", "tls://x-b", "tls://www"},
            marks=pytest.mark.long,
        ),
        ("sniHosts: [b.example.com]", "sniHosts: [c.example.com]", {"tls://b", "tls://c"}),
    ],
)
def test_drift_of_connections_is_found(driven, tmp_path: Path, old: str, new: str, wrong: set[str]) -> None:
    applied = RULES.replace(old, new, 1) if old else RULES
    found = prepared(
        tmp_path, applied.replace("weight: 20}\n  tls", "weight: 80}\n  tls") if "weight" in old else applied
    )
    assert found.samples is not None
    (verdicts,) = driven(tmp_path, [found.samples])
    failed = {
        one.request.partition(".example.com:443")[0].partition(" ")[0]
        for one in verdicts
        if one.outcome is Outcome.FAILED
    }
    assert failed - {""} == wrong


LISTENERS = """
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: edge}
spec:
  gatewayClassName: istio
  listeners:
  - {name: tcp, port: 31400, protocol: TCP}
  - {name: pass, port: 443, protocol: TLS, hostname: "*.example.com", tls: {mode: Passthrough}}
  - {name: http, port: 80, protocol: HTTP}
---
apiVersion: v1
kind: Service
metadata: {name: two}
spec: {selector: {app: tcp-echo, version: v2}, ports: [{name: tcp, port: 9000}, {name: http, port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: one}
spec:
  selector: {app: tcp-echo, version: v1}
  ports: [{name: tcp, port: 9000}, {name: http, port: 80, targetPort: 9000}]
---
"""
ROUTES = """
apiVersion: gateway.networking.k8s.io/v1
kind: TCPRoute
metadata: {name: tcp}
spec:
  parentRefs: [{name: edge, sectionName: tcp}]
  rules: [{backendRefs: [{name: one, port: 9000, weight: 4}, {name: two, port: 9000}]}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: TLSRoute
metadata: {name: tls}
spec:
  parentRefs: [{name: edge, sectionName: pass}]
  hostnames: [a.example.com]
  rules: [{backendRefs: [{name: two, port: 9000}]}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: GRPCRoute
metadata: {name: rpc}
spec:
  parentRefs: [{name: edge, sectionName: http}]
  rules: [{matches: [{method: {service: pkg.Svc, method: Get}}], backendRefs: [{name: one, port: 80}]}]
"""


@pytest.mark.long
@pytest.mark.parametrize(
    ("old", "new", "wrong"),
    [
        ("", "", set()),
        pytest.param("weight: 4}", "weight: 1}", {"tcp://gateway.example:31400"}, marks=pytest.mark.long),
        pytest.param(
            "hostnames: [a",
            "hostnames: [b",
            {"tls://a.example.com:443", "tls://b.example.com:443"},
            marks=pytest.mark.long,
        ),
        ("service: pkg.Svc", "service: pkg.Other", {"GET http://gateway.example/pkg.Svc/Get"}),
    ],
)
def test_routes_of_the_gateway_api_are_held_on_real_envoys(
    driven, tmp_path: Path, old: str, new: str, wrong: set[str]
) -> None:
    for name, routes in (("spec", ROUTES), ("applied", ROUTES.replace(old, new) if old else ROUTES)):
        (tmp_path / f"{name}.yaml").write_text(f"{ECHO}---\n{LISTENERS}{routes}")
    found = prepare_verification([str(tmp_path / "spec.yaml")], [str(tmp_path / "applied.yaml")], [], SURE)
    assert found.samples is not None
    (verdicts,) = driven(tmp_path, [found.samples])
    failed = {one.request.partition(" (by")[0] for one in verdicts if one.outcome is Outcome.FAILED} - {""}
    assert failed == wrong
