"""One object that a cluster refuses is one finding: what it may have done is not missed elsewhere."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from meshproof.lint.check import Finding

Look = Callable[..., tuple[Finding, ...]]
SERVICE = """\
apiVersion: v1
kind: Service
metadata: {name: stars}
spec: {selector: {app: stars}, ports: [{name: http, port: 80}]}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: stars}
spec: {host: stars, subsets: [{name: v1, labels: {version: v1}}, {name: v2, labels: {version: v2}}]}
---
"""
PODS = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: stars-VERSION}
spec:
  selector: {matchLabels: {app: stars, version: VERSION}}
  template:
    metadata: {labels: {app: stars, version: VERSION}}
    spec: {containers: [{name: app, image: example/stars, resources: {limits: {memory: SIZE}}}]}
---
"""
RULES = """\
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: NAME}
spec: {hosts: [HOST], http: [{TIMEOUT, route: [{destination: {host: stars, subset: SUBSET}}]}]}
---
"""


def pods(version: str, size: str = "1Gi") -> str:
    return PODS.replace("VERSION", version).replace("SIZE", size)


def rules(name: str, subset: str, timeout: str = "2s") -> str:
    text = RULES.replace("NAME", name).replace("SUBSET", subset).replace("TIMEOUT", f"timeout: {timeout}")
    return text.replace("HOST", "stars" if name == "within" else f"{name}.example")


# Another workload of the namespace: its pods are meant to be here.
NEIGHBOUR = pods("v1").replace("stars", "moon")
BOTH = rules("within", "v1") + rules("other", "v2")


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        (pods("v1") + pods("v2") + BOTH, set()),
        # Without the object another thing is wrong; with one that is refused, that it is.
        (pods("v1") + BOTH, {"MP060"}),
        (pods("v1") + pods("v2", "512MB") + BOTH, {"MP002"}),
        (NEIGHBOUR, {"MP067"}),
        (NEIGHBOUR + pods("v1", "512MB"), {"MP002"}),
        (pods("v1") + pods("v2") + rules("within", "v1"), {"MP062", "MP063"}),
        (pods("v1") + pods("v2") + rules("within", "v1") + rules("other", "v2", "2"), {"MP002"}),
    ],
    ids=[
        *("right", "no pods of a subset", "pods of a subset that are refused", "no pods", "pods that are refused"),
        *("no rule", "a rule that is refused"),
    ],
)
def test_what_a_refused_object_may_have_done_is_not_missed(found: Look, text: str, codes: set[str]) -> None:
    told = {one.code for one in found(SERVICE + text)}
    assert told & {"MP002", "MP060", "MP062", "MP063", "MP067"} == codes


def test_that_it_is_refused_is_no_advice(found: Look) -> None:
    (one,) = (one for one in found(SERVICE + pods("v1", "512MB")) if one.code == "MP002")
    assert one.fix == "Correct the field."
