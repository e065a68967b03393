"""Which pods answer, by where they and the client run: what is predicted of the golden case and near it."""

from __future__ import annotations

import io
from fractions import Fraction
from pathlib import Path

import pytest
from meshproof.border.expectation import Expectation
from meshproof.border.request import parse
from meshproof.border.source import source
from meshproof.envoy.node import Address, Proxy
from meshproof.envoy.resource_types import ENDPOINT
from meshproof.envoy.translate import translate
from meshproof.errors import Location
from meshproof.manifest import load
from meshproof.mesh.build.assemble import build_all
from meshproof.mesh.model.destination_rule import OutlierDetection, TrafficPolicy
from meshproof.mesh.model.kubernetes import Service, Workload
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.traffic_policy.locality import REGION, Locality, LocalitySetting
from meshproof.mesh.predict.match import Client
from meshproof.mesh.predict.policies.localities import localities
from meshproof.mesh.predict.prediction import predict

SITE = (Path(__file__).parents[2] / "golden" / "locality.in.yaml").read_text(encoding="utf-8")
CLIENT = {"app": "client"}


def built(text: str) -> Mesh:
    return build_all(load(["-"], stdin=io.StringIO(text))).mesh


def asked(port: int, name: str, *, text: str = SITE, labels: dict[str, str] | None = None) -> Expectation:
    return predict(
        built(text), parse(f"GET http://{name}:{port}/"), source("default", CLIENT if labels is None else labels)
    )


def levels(found: Expectation) -> list[list[str]]:
    (arm,) = found.arms
    assert arm.localities is not None
    assert arm.workloads == arm.localities.levels[0]
    return [sorted(one.removeprefix("default/") for one in level) for level in arm.localities.levels]


@pytest.mark.parametrize(
    ("port", "name", "expected"),
    [
        (80, "web", [["near"], ["beside"], ["chosen"], ["far"]]),
        (81, "plain", [["near"], ["beside"], ["chosen", "far"]]),
        (83, "labelled", [["near"], ["far"], ["beside", "chosen"]]),
    ],
)
def test_the_nearest_pods_get_all_and_others_take_over_in_order(
    port: int, name: str, expected: list[list[str]]
) -> None:
    found = asked(port, name)
    assert (levels(found), found.undecided) == (expected, "")


def test_distribute_gives_each_locality_its_share_and_others_nothing() -> None:
    (arm,) = (found := asked(82, "shared")).arms
    assert arm.localities is not None
    shares = {one.locality: one.share for one in arm.localities.shares}
    assert shares == {"a/z1": Fraction(70, 100), "a/z2": Fraction(20, 100), "b/z1/s": Fraction(10, 100)}
    assert arm.workloads == {"default/near", "default/beside", "default/far"}
    assert found.undecided == ""


def test_where_no_pod_is_that_distribute_names_the_proxy_answers() -> None:
    (arm,) = asked(82, "shared", text=SITE.replace("{a/z1: 70, a/z2: 20, b/*: 10}", "{d: 100}")).arms
    assert (arm.status, arm.workloads) == (503, frozenset())
    assert "no pod of shared.default runs where distribute sends the client" in arm.note


@pytest.mark.parametrize(("port", "name"), [(80, "web"), (81, "plain"), (82, "shared")])
def test_without_the_place_of_the_client_nothing_is_told(port: int, name: str) -> None:
    assert asked(port, name, labels={}).undecided.startswith("where the client runs is not told")
    assert asked(port, name, labels={"istio-locality": "b.z1"}).undecided == ""


def test_without_the_place_of_a_pod_nothing_is_told() -> None:
    unplaced = SITE.replace("{nodeName: n2, containers", "{containers")
    assert "where the pods of default/beside run is not told" in asked(80, "web", text=unplaced).undecided
    # A lone Node runs all of them.
    only = unplaced.replace("name: n2", "name: n3").replace(
        "beta.kubernetes.io/zone: z2", "beta.kubernetes.io/zone: z1"
    )
    assert levels(asked(80, "web", text=only))[0] == ["beside", "near"]


def test_without_outlier_detection_or_places_all_pods_answer() -> None:
    (arm,) = asked(81, "plain", text=SITE.replace("trafficPolicy: {outlierDetection: {interval: 1s}}", "")).arms
    assert (arm.localities, len(arm.workloads)) == (None, 4)
    nowhere = SITE.replace("nodeName: n1,", "").replace("nodeName: n2,", "").replace(", istio-locality: b.z1.s", "")
    nowhere = nowhere.replace("nodeSelector: {topology.kubernetes.io/region: c, topology.kubernetes.io/zone: z1}", "")
    (arm,) = asked(81, "plain", text=nowhere).arms
    assert (arm.localities, len(arm.workloads)) == (None, 4)


@pytest.mark.parametrize(
    ("resolution", "setting", "told"),
    [
        ("DNS", LocalitySetting(priority=(REGION,)), True),
        ("DNS", LocalitySetting(failover=(("a", "b"),)), False),
        ("", LocalitySetting(priority=(REGION,)), False),
    ],
)
def test_names_that_are_looked_up_in_several_places_have_no_labels_of_their_own(
    resolution: str, setting: LocalitySetting, told: bool
) -> None:
    here = Location("mesh.yaml", 1, 1)
    unseen = (("resolution", resolution),) if resolution else ()
    service = Service("out.example.com", "default", (), {}, here, hostname="out.example.com", unseen=unseen)
    behind = [
        Workload(name, "default", 1, {}, "", (), here, kind="ServiceEntry", locality=Locality(name)) for name in "ab"
    ]
    policy = TrafficPolicy(outlier_detection=OutlierDetection(), locality=setting)
    client = Client("mesh", 80, "default", {REGION: "a"})
    found = localities(Mesh(), policy, service, behind, client)
    assert found is not None
    assert ("in several places is not modelled" in found.untold) is told


def of_mesh(setting: str) -> str:
    """The site, and the mesh configuration with this setting."""
    head = "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: istio, namespace: istio-system}\n"
    return f"{SITE}{head}data:\n  mesh: |-\n    localityLbSetting: {setting}\n"


@pytest.mark.parametrize("setting", ["{enabled: true}", "{}"])
def test_the_mesh_may_say_what_holds_without_it(setting: str) -> None:
    assert levels(asked(81, "plain", text=of_mesh(setting))) == [["near"], ["beside"], ["chosen", "far"]]


def test_the_setting_of_the_mesh_is_that_of_rules_which_have_none() -> None:
    off = of_mesh("{enabled: false}")
    assert built(off).unmodelled == ()
    (arm,) = asked(81, "plain", text=off).arms
    assert (arm.localities, len(arm.workloads)) == (None, 4)
    order = of_mesh("{failoverPriority: [version]}")
    labels = {**CLIENT, "version": "v2"}
    mesh = built(order.replace("{app: client}}", "{app: client, version: v2}}"))
    found = predict(mesh, parse("GET http://plain:81/"), source("default", labels))
    assert "default/beside" in found.arms[0].workloads
    assert levels(asked(83, "labelled", text=off)) == levels(asked(83, "labelled"))


def priorities(text: str, name: str) -> set[int]:
    """The priorities of the endpoints that the client's proxy gets for a cluster."""
    addresses = {
        f"default/{one}": (Address("p", {8080: ("127.0.0.1", 9)}),) for one in ("near", "beside", "chosen", "far")
    }
    made = translate(built(text), Proxy(labels=CLIENT), addresses).of(ENDPOINT)[name]
    return {group.priority for group in made.endpoints}


def test_envoy_gets_the_setting_of_the_mesh_too() -> None:
    name = "outbound|81||plain.default.svc.cluster.local"
    assert len(priorities(SITE, name)) == 3
    assert priorities(of_mesh("{enabled: false}"), name) == {0}
