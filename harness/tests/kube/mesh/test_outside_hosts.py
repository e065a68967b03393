"""What stands outside of a cluster is not verified there: no load goes to it."""

from __future__ import annotations

import io

import pytest
from meshproof.border.request import parse
from meshproof.manifest import load
from meshproof.mesh.build.assemble import build
from meshproof.mesh.coverage.dependencies import Dependencies
from meshproof.mesh.coverage.facts import facts
from meshproof.mesh.model.unmodelled import Called, Entering, Rule
from meshproof.mesh.predict.prediction import predict
from meshproof.targets.cluster.outside import outside

MANIFESTS = """\
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{name: http, port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: vm}
spec: {selector: {app: vm}, ports: [{name: http, port: 80}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template: {metadata: {labels: {app: web}}, spec: {containers: [{name: c, image: x}]}}
---
apiVersion: networking.istio.io/v1
kind: WorkloadEntry
metadata: {name: vm-1}
spec: {address: 10.0.0.1, labels: {app: vm}}
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: out}
spec:
  hosts: [out.example.com]
  resolution: DNS
  ports: [{number: 80, name: http, protocol: HTTP}]
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: pods}
spec:
  hosts: [pods.example.com]
  resolution: STATIC
  workloadSelector: {labels: {app: web}}
  ports: [{number: 80, name: http, protocol: HTTP}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: edge, namespace: infra}
spec:
  gatewayClassName: istio
  listeners: [{name: a, port: 80, protocol: HTTP}, {name: b, port: 81, protocol: HTTP}]
"""


def test_hosts_that_no_pod_answers_for_and_gateways_that_are_started_are_told() -> None:
    found = list(outside(build(load(["-"], stdin=io.StringIO(MANIFESTS)).resources).mesh))
    assert {(one.subject, one.touches) for one in found} == {
        ("Service vm.default", (Called(("vm.default.svc.cluster.local",)),)),
        ("ServiceEntry out.example.com", (Called(("out.example.com",)),)),
        ("Gateway infra/edge", (Entering("infra/edge/b"),)),
    }


CONNECTIONS = """
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: edge}
spec:
  selector: {istio: ingressgateway}
  servers:
  - {port: {number: 80, name: http, protocol: HTTP}, hosts: ["*"]}
  - {port: {number: 9000, name: tcp, protocol: TCP}, hosts: ["*"]}
  - {port: {number: 443, name: tls, protocol: HTTPS}, hosts: ["*"], tls: {mode: PASSTHROUGH}}
---
apiVersion: v1
kind: Service
metadata: {name: db}
spec: {selector: {app: db}, ports: [{name: tcp, port: 9000}]}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{name: http, port: 80}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: db}
spec:
  hosts: [db]
  tcp:
  - {match: [{port: 9000}], route: [{destination: {host: web}}]}
  - {route: [{destination: {host: db}}]}
"""


def test_connections_that_no_probe_shows_there_are_not_proved() -> None:
    mesh = build(load(["-"], stdin=io.StringIO(CONNECTIONS)).resources).mesh
    found = [(one.subject, one.touches) for one in outside(mesh)]
    rule = mesh.virtual_services[0].tcp[0]
    assert found == [
        ("Gateway default/edge", (Entering("default/edge", 9000),)),
        ("Gateway default/edge", (Entering("default/edge", 443),)),
        ("VirtualService default/db", (Rule(rule.location),)),
    ]


ALIAS = """\
---
apiVersion: v1
kind: Service
metadata: {name: old}
spec: {type: ExternalName, externalName: OF, ports: [{name: http, port: 80}]}
"""


@pytest.mark.parametrize(("of", "told"), [("out.example.com", 1), ("web.default.svc.cluster.local", 0)])
def test_nor_by_the_name_of_an_alias(of: str, told: int) -> None:
    mesh = build(load(["-"], stdin=io.StringIO(MANIFESTS + ALIAS.replace("OF", of))).resources).mesh
    found = facts(mesh, predict(mesh, parse("GET http://old/")))
    assert len(Dependencies(mesh, list(outside(mesh))).touching(found)) == told


def test_no_request_enters_by_a_server_for_the_mesh() -> None:
    gateway = (
        "apiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {name: outwards, namespace: default}\n"
        "spec: {selector: {istio: egressgateway}, servers: [{port: {number: 443, name: https, protocol: HTTPS}, "
        "hosts: [a.example], tls: {mode: ISTIO_MUTUAL}}]}\n"
    )
    (one,) = outside(build(load(["-"], stdin=io.StringIO(gateway)).resources).mesh)
    assert one.touches == (Entering("default/outwards", 443),)
    assert "no certificate of istiod" in one.why
