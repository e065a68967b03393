"""Rules, policies and objects of all kinds, one by one and in pairs: istiod's meaning and its refusals are meshproof's.

Recorded from istiod's own code (harness/istiod), under the version that names the folder.
"""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from feature_meshes import governed, read, resource, ruled
from meshproof.envoy.compared.essence import clusters, tables
from meshproof.envoy.compared.spelling import spelled
from meshproof.envoy.node import Kind, Proxy
from meshproof.envoy.translate import translate
from meshproof.manifest import load
from meshproof.mesh.build.assemble import build_all

FOLDER = next(Path(__file__).parent.glob("*/features.jsonl.gz")).parent
CLIENT = Proxy(labels={"app": "client"})
GATEWAY = Proxy(Kind.GATEWAY, "istio-system", {"istio": "ingressgateway", "app": "istio-ingressgateway"})


def built(manifests):
    text = "\n---\n".join(json.dumps(one) for one in manifests)
    return build_all(load(["-"], stdin=io.StringIO(text), strict=False)).mesh


@pytest.fixture(scope="module")
def features():
    """What is recorded of each rule, policy and base."""
    recorded = read(FOLDER / "features.jsonl.gz")
    return {kind: [one for one in recorded if one["of"] == kind] for kind in ("rule", "policy", "base")}


@pytest.fixture(scope="module")
def verdicts():
    return read(FOLDER / "verdicts.jsonl.gz")


@pytest.fixture(scope="module")
def mesh(features):
    (base,) = features["base"]
    rules = ruled([one["rule"] for one in features["rule"]])
    return built([*base["manifests"], *rules, *governed(features["policy"])])


def test_more_than_a_thousand_features_are_recorded(features, verdicts) -> None:
    assert len(features["rule"]) + len(features["policy"]) >= 1_500
    assert len(verdicts) >= 3_000
    assert 0 < sum(one["taken"] for one in verdicts) < len(verdicts)


@pytest.mark.parametrize(("proxy", "table"), [(CLIENT, "80"), (GATEWAY, "http.8080")], ids=["sidecar", "gateway"])
def test_each_rule_becomes_the_routes_that_istiod_makes(mesh, features, proxy: Proxy, table: str) -> None:
    made = tables(translate(mesh, proxy, {}).document()["routes"])[table]["domains"]
    different = {}
    for number, one in enumerate(features["rule"]):
        theirs = one.get(proxy.kind, one["sidecar"])
        found = made.get(f"r{number}.example.com", {}).get("routes")
        if spelled(found) != theirs:
            different[json.dumps(one["rule"])] = (spelled(found), theirs)
    assert different == {}


@pytest.mark.parametrize("proxy", [CLIENT, GATEWAY], ids=["sidecar", "gateway"])
def test_each_policy_becomes_the_clusters_that_istiod_makes(mesh, features, proxy: Proxy) -> None:
    made = clusters(translate(mesh, proxy, {}).document()["clusters"])
    different = {}
    for number, one in enumerate(features["policy"]):
        host = f"p{number}.default.svc.cluster.local"
        theirs = one.get(proxy.kind, one["sidecar"])
        for name, settings in theirs.items():
            found = spelled(made[f"{name}|{host}"])
            own = {key: value for key, value in found.items() if key not in ("name", "eds_cluster_config")}
            if own != settings:
                different[json.dumps(one["spec"]), name] = (own, settings)
    assert different == {}


def test_what_istiod_and_the_api_server_refuse_is_refused_and_nothing_else(verdicts) -> None:
    manifests = [resource(one["kind"], f"x{number}", one["spec"]) for number, one in enumerate(verdicts)]
    refused = {one.subject for one in built(manifests).unmodelled if one.refused}
    ours = [f"{one['kind']} default/x{number}" not in refused for number, one in enumerate(verdicts)]
    wrong = [one for one, taken in zip(verdicts, ours, strict=True) if one["taken"] is not taken]
    assert wrong == []
