"""Which pods answer, by where they and the client run: what is predicted of the golden case and near it."""

from __future__ import annotations

import io
from fractions import Fraction
from pathlib import Path

import pytest
from meshproof.border.expectation import Expectation
from meshproof.border.request import parse
from meshproof.manifest import load
from meshproof.mesh.build.assemble import build
from meshproof.mesh.predict.prediction import predict

SITE = (Path(__file__).parents[2] / "golden" / "locality.in.yaml").read_text(encoding="utf-8")
CLIENT = {"app": "client"}


def asked(port: int, name: str, *, text: str = SITE, labels: dict[str, str] | None = None) -> Expectation:
    mesh = build(load(["-"], stdin=io.StringIO(text)).resources).mesh
    return predict(mesh, parse(f"GET http://{name}:{port}/"), labels=CLIENT if labels is None else labels)


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
