"""What istiod is given where a load changes the mesh: a policy's own rule alone, or no policies at all."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

import pytest
from meshproof.border.request import parse
from meshproof.envoy.istiod.altered import altered
from meshproof.manifest import load
from meshproof.manifest.plain import plain
from meshproof.mesh.build.assemble import build_strictly
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.predict.prediction import predict
from meshproof.run.verification.breakers.policies import alone, targets, without_policies

TEXT = """\
apiVersion: v1
kind: Service
metadata: {name: web, namespace: default}
spec: {selector: {app: web}, ports: [{name: http, port: 80}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: default}
spec:
  selector: {matchLabels: {app: web}}
  template: {metadata: {labels: {app: web}}, spec: {containers: [{name: c, image: x}]}}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: d, namespace: default}
spec:
  host: web
  trafficPolicy:
    connectionPool: {tcp: {maxConnections: 2}, http: {useClientProtocol: true, http1MaxPendingRequests: 3}}
    portLevelSettings: [{port: {number: 80}, connectionPool: {tcp: {maxConnections: 1}}}]
  subsets:
  - name: all
    labels: {app: web}
    trafficPolicy: {outlierDetection: {consecutive5xxErrors: 2}, retryBudget: {percent: 20}}
  - {name: even, labels: {app: web}, trafficPolicy: {loadBalancer: {simple: RANDOM}, outlierDetection: {interval: 1s}}}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: r, namespace: default}
spec:
  hosts: [web]
  http:
  - retries: {attempts: 3, perTryTimeout: 250ms, retryOn: 5xx}
    route: [{destination: {host: web, subset: all}}]
"""


@pytest.fixture
def folder() -> tuple[list[dict[str, Any]], Mesh]:
    read = load(["-"], stdin=io.StringIO(TEXT))
    return [plain(one.body) for one in read.resources], build_strictly(read).mesh


def of_kind(objects: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [one for one in objects if one["kind"] == kind]


def test_a_mesh_that_nothing_has_changed_is_given_as_it_stands(folder) -> None:
    objects, mesh = folder
    assert list(altered(objects, mesh)) == objects


def test_a_policy_of_the_gateway_api_with_a_rules_name_takes_nothing_of_it(folder) -> None:
    objects, mesh = folder
    (rule,) = mesh.destination_rules
    policy = replace(without_policies(mesh).destination_rules[0], backend_policy=True)
    assert list(altered(objects, replace(mesh, destination_rules=(rule, policy)))) == objects


def test_without_policies_none_is_left_and_no_empty_one(folder) -> None:
    objects, mesh = folder
    (found,) = of_kind(list(altered(objects, without_policies(mesh))), "DestinationRule")
    assert found["spec"] == {
        "host": "web",
        "trafficPolicy": {"connectionPool": {"http": {"useClientProtocol": True}}},
        "subsets": [
            {"name": "all", "labels": {"app": "web"}},
            {"name": "even", "labels": {"app": "web"}, "trafficPolicy": {"loadBalancer": {"simple": "RANDOM"}}},
        ],
    }
    assert of_kind(objects, "DestinationRule")[0]["spec"]["trafficPolicy"]["portLevelSettings"]


def test_a_policy_alone_has_its_own_rule_with_the_retries_of_the_sample(folder) -> None:
    objects, mesh = folder
    (target,) = targets([predict(mesh, parse("GET http://web/"))])
    changed, _ = alone(mesh, target, 1, target.sample.route)
    (found,) = of_kind(list(altered(objects, changed)), "VirtualService")
    (rule,) = found["spec"]["http"]
    assert rule["route"] == [
        {"destination": {"host": "web.default.svc.cluster.local", "subset": "all", "port": {"number": 80}}}
    ]
    assert rule["retries"] == {
        "attempts": 3,
        "retryRemoteLocalities": False,
        "retryOn": "5xx",
    }


def test_behind_a_listener_of_the_gateway_api_the_rule_is_a_route_of_its_own(folder) -> None:
    objects, mesh = folder
    (target,) = targets([predict(mesh, parse("GET http://web/"))])
    (rule,) = alone(mesh, target, 1, target.sample.route)[0].virtual_services
    entered = replace(mesh, virtual_services=(replace(rule, gateways=("default/edge/http",), hosts=("a.example",)),))
    (found,) = of_kind(list(altered(objects, entered)), "HTTPRoute")
    assert found["spec"]["parentRefs"] == [{"namespace": "default", "name": "edge", "sectionName": "http"}]
    assert of_kind(list(altered(objects, entered)), "VirtualService") == []
