"""A Rollout's pods are of two versions, though the manifests write one: a shift between them is a change."""

from __future__ import annotations

import io

import pytest
from meshproof.diff.comparison import compare
from meshproof.diff.render.text import text
from meshproof.diff.sides import sides
from meshproof.manifest import load

BY_SUBSET = """
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: till}
spec: {host: till, subsets: [{name: stable, labels: {app: till}}, {name: canary, labels: {app: till}}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: till}
spec:
  hosts: [till]
  http:
  - route:
    - {destination: {host: till, subset: stable}, weight: OLD}
    - {destination: {host: till, subset: canary}, weight: NEW}
---
"""
BY_HOST = """
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: till}
spec:
  hosts: [till]
  http:
  - route:
    - {destination: {host: till}, weight: OLD}
    - {destination: {host: till-canary}, weight: NEW}
---
apiVersion: v1
kind: Service
metadata: {name: till-canary}
spec: {selector: {app: till}, ports: [{name: http, port: 80}]}
---
"""
PODS = """
apiVersion: v1
kind: Service
metadata: {name: till}
spec: {selector: {app: till}, ports: [{name: http, port: 80}]}
---
apiVersion: API
kind: KIND
metadata: {name: till}
spec:
  replicas: 2
  selector: {matchLabels: {app: till}}
  template:
    metadata: {labels: {app: till}}
    spec: {containers: [{name: till, image: "till:1"}]}
"""
STRATEGY = "spec:\n  strategy: {canary: {canaryService: till-canary, stableService: till}}\n  replicas"
ROLLOUT, DEPLOYMENT = ("argoproj.io/v1alpha1", "Rollout"), ("apps/v1", "Deployment")


def shifted(routes: str, pods: tuple[str, str]) -> list[str]:
    """What is told when a third of the requests is shifted."""
    api, kind = pods
    pods = PODS.replace("spec:\n  replicas", STRATEGY) if kind == "Rollout" else PODS
    whole = routes + pods.replace("API", api).replace("KIND", kind)
    both = (whole.replace("OLD", old).replace("NEW", new) for old, new in (("100", "0"), ("70", "30")))
    loaded = [load(["-"], stdin=io.StringIO(one), strict=False) for one in both]
    return list(text(compare(*sides(*loaded), "default")))


@pytest.mark.parametrize(
    ("routes", "told"),
    [
        (BY_SUBSET, "till.default/stable 100 % → till.default/stable 70 %, till.default/canary 30 %"),
        (BY_HOST, "till.default 100 % → till.default 70 %, till-canary.default 30 %"),
    ],
    ids=["by subset", "by host"],
)
def test_a_shift_between_the_versions_of_a_rollout_is_a_change(routes: str, told: str) -> None:
    assert told in shifted(routes, ROLLOUT)[0]


@pytest.mark.parametrize("routes", [BY_SUBSET, BY_HOST], ids=["by subset", "by host"])
def test_two_names_for_the_same_pods_of_a_deployment_are_no_two_destinations(routes: str) -> None:
    assert shifted(routes, DEPLOYMENT)[0].startswith("no change for requests")


def test_a_rollout_that_tells_no_versions_apart_is_as_a_deployment() -> None:
    both = (PODS.replace("API", api).replace("KIND", kind) for api, kind in (DEPLOYMENT, ROLLOUT))
    loaded = [load(["-"], stdin=io.StringIO(one), strict=False) for one in both]
    assert next(iter(text(compare(*sides(*loaded), "default")))).startswith("no change for requests")
