"""Services that prefer pods which are near: what is predicted of the golden case and near it, and what Envoy gets."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from meshproof.border.expectation import Expectation
from meshproof.border.request import parse
from meshproof.border.source import source
from meshproof.envoy.istiod.conversation import described
from meshproof.envoy.node import Address, Proxy
from meshproof.envoy.resource_types import ENDPOINT
from meshproof.envoy.translate import translate
from meshproof.manifest import load
from meshproof.mesh.build.assemble import build_all
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.predict.prediction import predict

SITE = (Path(__file__).parents[2] / "golden" / "traffic-distribution.in.yaml").read_text(encoding="utf-8")
CLIENT = {"app": "client"}
PODS = ("near", "beside", "far")


def built(text: str) -> Mesh:
    return build_all(load(["-"], stdin=io.StringIO(text))).mesh


def asked(port: int, name: str, text: str = SITE) -> Expectation:
    return predict(built(text), parse(f"GET http://{name}:{port}/"), source("default", CLIENT))


def called(found: Expectation) -> list[str]:
    (arm,) = found.arms
    return sorted(one.removeprefix("default/") for one in arm.workloads)


def priorities(text: str, port: int, name: str) -> dict[str, int]:
    """The priority of each workload's endpoint in the client's cluster."""
    addresses = {f"default/{one}": (Address(one, {8080: ("127.0.0.1", 9)}),) for one in PODS}
    cluster = f"outbound|{port}||{name}.default.svc.cluster.local"
    made = translate(built(text), Proxy(labels=CLIENT), addresses).of(ENDPOINT)[cluster]
    return {one.endpoint.hostname: group.priority for group in made.endpoints for one in group.lb_endpoints}


def test_pods_of_the_clients_zone_get_all_without_outlier_detection() -> None:
    found = asked(80, "zone")
    assert (called(found), found.undecided) == (["near"], "")
    assert found.arms[0].localities is not None
    # Nothing is ejected: no other place is expected to take over.
    assert len(found.arms[0].localities.levels) == 1
    assert priorities(SITE, 80, "zone") == {"near": 0, "beside": 1, "far": 2}


def test_a_subzone_is_not_told_apart() -> None:
    text = SITE.replace("istio-locality: a.z2", "istio-locality: a.z1.other")
    assert called(asked(80, "zone", text)) == ["beside", "near"]
    assert priorities(text, 80, "zone") == {"near": 0, "beside": 0, "far": 1}


def test_where_no_pod_is_in_the_zone_those_of_the_region_get_all() -> None:
    text = SITE.replace("istio-locality: a.z1.s", "istio-locality: a.z3")
    assert called(asked(80, "zone", text)) == ["beside", "near"]


def test_what_prefers_nothing_calls_all_pods_alike() -> None:
    assert called(asked(82, "any")) == sorted(PODS)
    assert set(priorities(SITE, 82, "any").values()) == {0}


def test_a_service_that_says_nothing_prefers_what_its_namespace_does_and_fails_over_where_pods_are_ejected() -> None:
    (arm,) = asked(83, "inherited").arms
    assert arm.localities is not None
    assert [sorted(level) for level in arm.localities.levels] == [["default/near"], ["default/beside"], ["default/far"]]
    assert arm.localities.name == "trafficDistribution"


@pytest.mark.parametrize(
    "setting", ["{enabled: false}", "{distribute: [{from: a/z1, to: {b/z1: 100}}]}", "{failover: [{from: a, to: b}]}"]
)
def test_a_destination_rule_that_says_where_pods_are_called_counts_before_it(setting: str) -> None:
    rule = "apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {name: zone}\n"
    policy = f"spec: {{host: zone, trafficPolicy: {{loadBalancer: {{localityLbSetting: {setting}}}}}}}\n"
    found = asked(80, "zone", f"{SITE}---\n{rule}{policy}")
    assert called(found) == (["far"] if "distribute" in setting else sorted(PODS))


def test_which_node_pods_run_on_is_told_nowhere() -> None:
    assert "trafficDistribution by kubernetes.io/hostname is not modelled" in asked(81, "node").undecided
    # A lone workload answers whichever of its pods is called.
    alone = SITE.replace("{app: web, at: beside,", "{app: other,").replace("{app: web, at: far,", "{app: other,")
    alone = alone.replace("matchLabels: {app: web, at: beside}", "matchLabels: {app: other}")
    alone = alone.replace("matchLabels: {app: web, at: far}", "matchLabels: {app: other}")
    found = asked(81, "node", alone)
    assert (called(found), found.undecided) == (["near"], "")


def test_without_the_place_of_a_pod_or_of_the_client_nothing_is_told() -> None:
    # A lone Node would run them all.
    unplaced = f"{SITE.replace(', istio-locality: a.z2', '')}---\napiVersion: v1\nkind: Node\nmetadata: {{name: n2}}\n"
    assert "where the pods of default/beside run is not told" in asked(80, "zone", unplaced).undecided
    elsewhere = predict(built(SITE), parse("GET http://zone/"), source("default", {}))
    assert elsewhere.undecided.startswith("where the client runs is not told")


def test_a_real_istiod_is_told_the_place_of_a_proxy_by_its_labels_as_by_its_locality() -> None:
    told = described(built(SITE), Proxy(labels=CLIENT), "10.0.0.1")
    place = {"topology.kubernetes.io/region": "a", "topology.kubernetes.io/zone": "z1"}
    assert (told["labels"], told["locality"]) == ({**CLIENT, **place}, ["a", "z1", ""])
