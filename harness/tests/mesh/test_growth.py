"""A prediction costs the same in a small folder and in a large one."""

from __future__ import annotations

import io
import sys
import time
from collections.abc import Callable, Sequence
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
GATEWAYS = """\
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: entry-NUMBER}
spec:
  selector: {istio: ingressgateway}
  servers:
  - {port: {number: 80, name: http, protocol: HTTP}, hosts: [shop-NUMBER.example.com]}
  - {port: {number: 443, name: https, protocol: HTTPS}, hosts: [shop-NUMBER.example.com], tls: {credentialName: c}}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: entry-NUMBER}
spec: {hosts: [shop-NUMBER.example.com], gateways: [entry-NUMBER], http: [{directResponse: {status: 418}}]}
---
"""
ROUNDS = 15


def mesh_of(services: int) -> Mesh:
    return build_all(load(["-"], stdin=io.StringIO(text(services)), strict=False)).mesh


def entered(number: int) -> list[Request]:
    """Requests that enter by a few of so many Gateways of the same pods, one of them for a host that none has."""
    several = [
        Request("GET", f"shop-{one}.example.com", port, scheme=scheme, gateway=f"default/entry-{one}")
        for one in range(number - SMALL, number)
        for scheme, port in (("http", 80), ("https", 443))
    ]
    return [*several, Request("GET", "none.example.com", 80, gateway="default/entry-0")]


def behind_gateways(number: int) -> Mesh:
    several = "".join(GATEWAYS.replace("NUMBER", str(one)) for one in range(number))
    return build_all(load(["-"], stdin=io.StringIO(several), strict=False)).mesh


def asked(mesh: Mesh, entering: Sequence[Request] = ()) -> Callable[[], float]:
    """What measures the processor seconds of a prediction, and of what it depends on."""
    dependencies = Dependencies(mesh, mesh.unmodelled)
    requests = entering or [
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
    ratio = growth([asked(mesh) for mesh in meshes])
    assert ratio < 2, f"{ratio:.1f} times as long among {LARGE} Services as among {SMALL}"


def test_nor_with_the_gateways_of_the_same_pods() -> None:
    ratio = growth([asked(behind_gateways(number), entered(number)) for number in (SMALL, LARGE)])
    assert ratio < 2, f"{ratio:.1f} times as long among {LARGE} Gateways as among {SMALL}"


def growth(several: Sequence[Callable[[], float]]) -> float:
    """How many times as long the second takes as the first."""
    # They take turns, and the best of each counts: what else the machine does lengthens either, and shortens none.
    rounds = [[measured() for measured in several] for _ in range(ROUNDS)]
    small, large = (min(times) for times in zip(*rounds, strict=True))
    return large / small


def test_what_is_predicted_is_the_same(meshes: tuple[Mesh, Mesh]) -> None:
    small, large = meshes
    for service in small.services:
        request = Request("GET", f"{service.name}.{service.namespace}", 80)
        shares = [[(arm.destination, arm.share) for arm in predict(mesh, request).arms] for mesh in (small, large)]
        assert shares[0] == shares[1] != []
