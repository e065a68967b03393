"""Which budget of retries is in force for a destination, beside ports and subsets: on both sides alike."""

from __future__ import annotations

import io

import pytest
from meshproof.envoy.clusters.destination_rule import effective, merged
from meshproof.envoy.node import Proxy
from meshproof.manifest import load
from meshproof.mesh.build.assemble import build_all
from meshproof.mesh.predict.match import Client
from meshproof.mesh.predict.policies.policy import in_force

SITE = """
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{name: http, port: 80}, {name: http-b, port: 81}]}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: web}
spec:
  host: web
  trafficPolicy: {%s}
  subsets: [{name: v1, labels: {version: v1}%s}]
"""
HOST = "web.default.svc.cluster.local"
BUDGET = "connectionPool: {http: {maxRetries: 1}}, retryBudget: {}"
PORT = "portLevelSettings: [{port: {number: 80}, loadBalancer: {simple: RANDOM}}]"


@pytest.mark.parametrize(
    ("rule", "subset", "whole", "of_subset"),
    [
        (BUDGET, "", (20.0, 3), (20.0, 3)),
        # Settings of a port have none: the rule's own budget is out of force there, for subsets too.
        (f"{BUDGET}, {PORT}", "", None, None),
        # Those of a subset's port leave the rule's in force.
        (BUDGET, PORT, (20.0, 3), (20.0, 3)),
        (BUDGET, "retryBudget: {percent: 5.5, minRetryConcurrency: 1}", (20.0, 3), (5.5, 1)),
        ("retryBudget: {percent: 0, minRetryConcurrency: 0}", "loadBalancer: {simple: RANDOM}", (0.0, 3), (0.0, 3)),
    ],
)
def test_which_budget_is_in_force(
    rule: str, subset: str, whole: tuple[float, int] | None, of_subset: tuple[float, int] | None
) -> None:
    text = SITE % (rule, f", trafficPolicy: {{{subset}}}" if subset else "")
    mesh = build_all(load(["-"], stdin=io.StringIO(text))).mesh
    assert not mesh.unmodelled
    service = mesh.service(HOST)
    assert service is not None
    theirs = merged(mesh, service, Proxy())
    for name, expected in (("", whole), ("v1", of_subset)):
        own = theirs.subset(name)
        for found in (
            in_force(mesh, HOST, name, 80, Client("mesh", 80, "default", {})),
            effective(theirs.policy, own.policy if own else None, 80),
        ):
            budget = found.retry_budget
            assert (budget and (budget.percent, budget.min_retry_concurrency)) == expected


def test_a_budget_over_a_time_is_not_modelled() -> None:
    mesh = build_all(load(["-"], stdin=io.StringIO(SITE % ("retryBudget: {budgetInterval: 10s}", "")))).mesh
    assert [one.why for one in mesh.unmodelled] == ["a retryBudget with a budgetInterval is not modelled"]
