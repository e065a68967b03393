"""What lint says of random meshes is true of each request: what it calls hidden, undefined or dark is never met."""

from __future__ import annotations

import io
from collections.abc import Callable
from random import Random
from typing import Any

import differential_manifests
import differential_routes
import pytest
from differential_requests import request
from differential_site import CLIENT_LABELS
from meshproof.border.source import source
from meshproof.errors import Location
from meshproof.lint.lint import lint
from meshproof.manifest import load
from meshproof.mesh.build.assemble import build_all
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.predict.prediction import predict

MESHES, REQUESTS = 40, 30
NAMESPACES = ("default", "shop", "a", "b")
HIDDEN, DARK = "MP030", "MP063"
# Destinations that nobody gets, whoever asks.
NOWHERE = frozenset({"MP010", "MP012", "MP013", "MP017", "MP018"})

Draw = Callable[[Random], list[dict[str, Any]]]


def destinations(mesh: Mesh) -> dict[Location, Location]:
    """Where the host of each destination stands, by where its entry of `route` does."""
    rules = (rule for one in mesh.virtual_services for rule in one.rules)
    return {each.location: each.destination.location for rule in rules for each in rule.destinations}


@pytest.mark.parametrize(
    ("draw", "wanted"),
    [
        (differential_manifests.manifests, {HIDDEN, "MP010", "MP012", "MP013"}),
        (differential_routes.manifests, {"MP010", "MP013", "MP042"}),
    ],
)
def test_no_request_meets_what_lint_says_that_none_does(draw: Draw, wanted: set[str]) -> None:
    found: set[str] = set()
    for seed in range(MESHES):
        random = Random(seed)
        text = differential_manifests.text(draw(random))
        findings = lint(["-"], stdin=io.StringIO(text)).findings
        mesh = build_all(load(["-"], stdin=io.StringIO(text), strict=False)).mesh
        if not mesh.virtual_services:
            continue
        at = destinations(mesh)
        hidden = {one.location for one in findings if one.code == HIDDEN}
        nowhere = {one.location for one in findings if one.code in NOWHERE}
        dark = {one.location for one in findings if one.code == DARK}
        found |= {one.code for one in findings}
        for _ in range(REQUESTS):
            asked = request(random, mesh)
            expected = predict(mesh, asked, source(random.choice(NAMESPACES), CLIENT_LABELS))
            assert expected.route not in hidden, (seed, asked)
            for arm in expected.arms if expected.route else ():
                assert not (arm.workloads and at.get(arm.location) in nowhere), (seed, asked, arm)
                pods = (mesh.workload(key) for key in arm.workloads)
                assert not any(pod and pod.location in dark for pod in pods), (seed, asked, arm)
    # Something was held against the requests.
    assert wanted <= found
