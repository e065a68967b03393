"""What pods and clients see of TLS that a BackendTLSPolicy asks for, beside DestinationRules for the same host."""

from __future__ import annotations

import io

import pytest
from meshproof.border.expectation import TLS_SEEN, Expectation
from meshproof.border.request import parse
from meshproof.envoy.clusters.destination_rule import effective, merged
from meshproof.envoy.node import Proxy
from meshproof.manifest import load
from meshproof.mesh.build.assemble import build
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.predict.match import Client
from meshproof.mesh.predict.policies.policy import in_force
from meshproof.mesh.predict.prediction import predict

SITE = """
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  selector: {app: web}
  ports: [{name: http, port: 80, targetPort: 8080}, {name: http-b, port: 81, targetPort: 8080}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: registry.example/web:1, ports: [{containerPort: 8080}]}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: edge}
spec: {gatewayClassName: istio, listeners: [{name: http, port: 80, protocol: HTTP}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: web}
spec: {parentRefs: [{name: edge}], rules: [{backendRefs: [{name: web, port: 80}]}]}
---
"""
HOST = "web.default.svc.cluster.local"


def policy(validation: str = "wellKnownCACertificates: System", section: str = "") -> str:
    port = f", sectionName: {section}" if section else ""
    return f"""apiVersion: gateway.networking.k8s.io/v1
kind: BackendTLSPolicy
metadata: {{name: p}}
spec:
  targetRefs: [{{group: "", kind: Service, name: web{port}}}]
  validation: {{hostname: safe.example.com, {validation}}}
---
"""


def rule(name: str, traffic: str, made: str, more: str = "") -> str:
    return f"""apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {{name: {name}, creationTimestamp: "{made}"}}
spec: {{host: web, trafficPolicy: {{{traffic}}}{more}}}
---
"""


def mesh_of(*more: str) -> Mesh:
    return build(load(["-"], stdin=io.StringIO(SITE + "".join(more))).resources).mesh


def asked(mesh: Mesh, port: int = 80, gateway: str = "") -> Expectation:
    from dataclasses import replace

    return predict(mesh, replace(parse(f"GET http://web:{port}/"), gateway=gateway))


def handshake(found: Expectation) -> str | None:
    (arm,) = found.arms
    return dict(arm.request_headers.exact).get(TLS_SEEN)


@pytest.mark.parametrize("gateway", ["", "default/edge"])
def test_a_sidecar_and_a_gateway_ask_for_the_hostname(gateway: str) -> None:
    found = asked(mesh_of(policy()), gateway=gateway)
    assert (handshake(found), found.undecided) == ("safe.example.com", "")


def test_a_section_is_for_its_port_alone() -> None:
    mesh = mesh_of(policy(section="http-b"))
    assert (handshake(asked(mesh)), handshake(asked(mesh, 81))) == (None, "safe.example.com")


@pytest.mark.parametrize(("name", "known"), [("web.default.svc", True), ("safe.example.com", False)])
def test_whether_a_certificate_is_for_other_names_is_told_nowhere(name: str, known: bool) -> None:
    names = f"wellKnownCACertificates: System, subjectAltNames: [{{type: Hostname, hostname: {name}}}]"
    assert (asked(mesh_of(policy(names))).undecided == "") is known


def test_without_an_authority_a_gateway_answers_503_and_a_sidecar_sends_plain_text() -> None:
    mesh = mesh_of(policy('caCertificateRefs: [{group: "", kind: Secret, name: ca}]'))
    (arm,) = asked(mesh, gateway="default/edge").arms
    assert (arm.status, arm.workloads) == (503, frozenset())
    assert handshake(asked(mesh)) is None


def test_what_is_tls_already_is_not_proved() -> None:
    secure = SITE.replace("{name: http-b,", "{name: https,")
    mesh = build(load(["-"], stdin=io.StringIO(secure + policy())).resources).mesh
    assert "put into TLS once more" in predict(mesh, parse("tls://web:81")).undecided
    assert not predict(mesh, parse("http://web:80/")).undecided


POOL_1, POOL_2 = (f"connectionPool: {{http: {{http1MaxPendingRequests: {one}}}}}" for one in (1, 2))
BALANCED, OFF = "loadBalancer: {simple: RANDOM}", "tls: {mode: DISABLE}"
PORT = "portLevelSettings: [{port: {number: 81}, loadBalancer: {simple: RANDOM}}]"
OLD, NEW = "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"


@pytest.mark.parametrize(
    ("written", "section", "port", "expected"),
    [
        ([], "", 80, ("SIMPLE", None, "UNSPECIFIED")),
        ([rule("a", POOL_1, OLD)], "", 80, ("SIMPLE", 1, "UNSPECIFIED")),
        ([rule("a", OFF, OLD)], "", 80, ("DISABLE", None, "UNSPECIFIED")),
        # Each rule adds to those before, and the newest counts most; without a policy the oldest alone counts.
        ([rule("a", f"{POOL_1}, {BALANCED}", OLD), rule("b", POOL_2, NEW)], "", 80, ("SIMPLE", 2, "RANDOM")),
        ([rule("a", PORT, OLD)], "", 81, (None, None, "RANDOM")),
        # Settings of a port inherit nothing, also where a policy makes them.
        ([rule("a", POOL_1, OLD)], "http-b", 81, ("SIMPLE", None, "UNSPECIFIED")),
        ([rule("a", f"{POOL_1}, {PORT}", OLD)], "http-b", 81, ("SIMPLE", None, "RANDOM")),
        # Another exportTo is another rule, which counts in the place of the policy.
        ([rule("a", POOL_1, OLD, ", exportTo: ['.']")], "", 80, (None, 1, "UNSPECIFIED")),
    ],
)
def test_what_counts_beside_rules(
    written: list[str], section: str, port: int, expected: tuple[str | None, int | None, str]
) -> None:
    mesh = mesh_of(policy(section=section), *written)
    predicted = in_force(mesh, HOST, "", port, Client("mesh", port, "default", {}))
    service = mesh.service(HOST)
    assert service is not None
    translated = effective(merged(mesh, service, Proxy()).policy, None, port)
    for found in (predicted, translated):
        pool = found.connection_pool
        seen = found.tls.mode if found.tls else None, pool.http1_max_pending_requests if pool else None
        assert (*seen, found.load_balancer) == expected


def test_sidecars_that_take_mutual_tls_alone_refuse_it() -> None:
    strict = """apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: strict}
spec: {mtls: {mode: STRICT}}
"""
    mesh = mesh_of(policy(), strict)
    assert any("take mutual TLS alone" in one.why and one.kind == "BackendTLSPolicy" for one in mesh.unmodelled)
