"""`explain`, `test` and `diff` by what a cluster runs; the cluster is a stand-in."""

from __future__ import annotations

import json
from typing import Any

import yaml

INTENTS = """\
- name: a canary of ten percent
  request: GET http://reviews/
  expect: {to: {v1: 90%, v2: 10%}}
"""


def test_intents_are_held_against_what_runs(shop: Any) -> None:
    (shop.here / "intents.yaml").write_text(INTENTS)
    words = ("test", "-t", "intents.yaml", "--static")
    assert "passed" in shop.live(*words)
    (shop.here / "intents.yaml").write_text(INTENTS.replace("90", "95").replace("10", "5"))
    told = shop.live(*words, code=1)
    assert "v1 gets 90 %, not 95 %" in told
    assert "by the rule at VirtualService/shop/reviews:" in told
    assert "say what is tested" in shop.run(*words, code=4)


def test_a_folder_is_held_against_what_runs(shop: Any) -> None:
    """As an apply would change it: what the folder does not name stays."""
    path = "/apis/networking.istio.io/v1beta1/namespaces/shop/virtualservices/reviews"
    route = json.loads(json.dumps(shop.api.objects[path]))
    (shop.here / "k8s").mkdir()
    file = shop.here / "k8s" / "routing.yaml"
    file.write_text(yaml.safe_dump(route))
    assert "no change" in shop.live("diff", "k8s").lower()
    for weighted, weight in zip(route["spec"]["http"][1]["route"], (50, 50), strict=True):
        weighted["weight"] = weight
    file.write_text(yaml.safe_dump(route))
    told = shop.live("diff", "k8s", code=1)
    assert "reviews.shop/v1 90 %, reviews.shop/v2 10 % → reviews.shop/v1 50 %, reviews.shop/v2 50 %" in told
    assert "(k8s/routing.yaml:" in told


def test_a_cluster_is_named_with_its_context_and_not_beside_files(shop: Any) -> None:
    url = "http://reviews/"
    assert "needs --context" in shop.run("explain", "--target", "cluster", url, code=4)
    assert "--context is for --target cluster" in shop.run("explain", "-f", "k8s", "--context", "lab", url, code=4)
    assert "say what is explained" in shop.live("explain", "-f", "k8s", url, code=4)
    assert "say what is explained" in shop.run("explain", url, code=4)
    assert shop.api.calls == []
