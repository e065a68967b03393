"""A mesh that stands already is verified by a client in another namespace, and nobody says who answers at a gateway."""

from __future__ import annotations

from pathlib import Path

import pytest
from meshproof.border.request import parse
from meshproof.border.verdict import Precision
from meshproof.run.prepare import Prepared
from meshproof.run.verification.verification import prepare_verification
from meshproof.suite import folder

GATEWAY = """---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: front}
spec:
  selector: {istio: ingressgateway}
  servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: [shop.example.com]}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: front}
spec:
  hosts: [shop.example.com]
  gateways: [front]
  http:
    - match: [{uri: {prefix: /closed}}]
      directResponse: {status: 403}
    - route: [{destination: {host: helloworld, port: {number: 5000}}}]
"""


@pytest.fixture
def shop(tmp_path: Path) -> str:
    canary = folder("scenarios") / "canary"
    parts = [(canary / name).read_text() for name in ("helloworld.yaml", "subsets.yaml", "weight-10.yaml")]
    path = tmp_path / "shop.yaml"
    path.write_text("\n---\n".join([*parts, GATEWAY]))
    return str(path)


def prepared(shop: str, *requests: str, probed: bool) -> Prepared:
    said = tuple(map(parse, requests))
    found = prepare_verification([shop], [], said, Precision(), namespace="shop", client="meshproof-1", probed=probed)
    assert found.samples is not None
    return found.samples


def judged(one: Prepared) -> list[str]:
    """The requests whose split is judged."""
    (split,) = (check for check in one.checks if check.name == "Split")
    trials = split.begin(one.plan)
    return [str(one.plan.stages[0][trial.request].request) for trial in trials if trial.request is not None]


def test_a_short_name_is_one_of_the_namespace_that_is_verified(shop: str) -> None:
    one = prepared(shop, "GET http://helloworld:5000/hello", probed=False)
    assert judged(one) == ["GET http://helloworld.shop:5000/hello"]
    assert one.plan.stages[0][0].arms


def test_who_answers_behind_a_gateway_is_not_judged_where_it_is_not_told(shop: str) -> None:
    routed, closed, inside = (
        "GET http://shop.example.com/",
        "GET http://shop.example.com/closed",
        "GET http://helloworld:5000/",
    )
    by = " (by gateway shop/front)"
    everything = prepared(shop, routed, closed, inside, probed=True)
    assert judged(everything) == [routed + by, closed + by, "GET http://helloworld.shop:5000/"]
    untold = prepared(shop, routed, closed, inside, probed=False)
    assert judged(untold) == [closed + by, "GET http://helloworld.shop:5000/"]
    assert any("that it is answered is verified, not by whom" in str(notice) for notice in untold.notices)
