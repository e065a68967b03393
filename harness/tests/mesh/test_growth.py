"""A prediction costs the same in a small folder and in a large one."""

from __future__ import annotations

import io
import sys
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import pytest
from meshproof.border.request import Request
from meshproof.manifest import load
from meshproof.mesh.build.assemble import build_all
from meshproof.mesh.coverage.dependencies import Dependencies
from meshproof.mesh.coverage.facts import facts
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.predict.prediction import predict

sys.path.insert(0, str(Path(__file__).parents[2] / "bench"))

from folder import text

SMALL, LARGE = 20, 400
ROUNDS = 15


def mesh_of(services: int) -> Mesh:
    return build_all(load(["-"], stdin=io.StringIO(text(services)), strict=False)).mesh


def asked(mesh: Mesh) -> Callable[[], float]:
    """What measures the processor seconds of a prediction, and of what it depends on."""
    dependencies = Dependencies(mesh, mesh.unmodelled)
    requests = [
        Request("GET", f"{one.name}.{one.namespace}", 80, headers=headers)
        for one in islice(mesh.services, SMALL)
        for headers in ((), (("x-beta", "yes"),))
    ]

    def measured() -> float:
        began = time.process_time()
        for request in requests:
            dependencies.touching(facts(mesh, predict(mesh, request)))
        return (time.process_time() - began) / len(requests)

    return measured


@pytest.fixture(scope="module")
def meshes() -> tuple[Mesh, Mesh]:
    return mesh_of(SMALL), mesh_of(LARGE)


def test_a_prediction_does_not_grow_with_the_folder(meshes: tuple[Mesh, Mesh]) -> None:
    several = [asked(mesh) for mesh in meshes]
    # They take turns, and the best of each counts: what else the machine does lengthens either, and shortens none.
    rounds = [[measured() for measured in several] for _ in range(ROUNDS)]
    small, large = (min(times) for times in zip(*rounds, strict=True))
    ratio = large / small
    assert ratio < 2, f"{ratio:.1f} times as long among {LARGE} Services as among {SMALL}"


def test_what_is_predicted_is_the_same(meshes: tuple[Mesh, Mesh]) -> None:
    small, large = meshes
    for service in small.services:
        request = Request("GET", f"{service.name}.{service.namespace}", 80)
        shares = [[(arm.destination, arm.share) for arm in predict(mesh, request).arms] for mesh in (small, large)]
        assert shares[0] == shares[1] != []
