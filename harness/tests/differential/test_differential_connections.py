"""What is predicted of connections and what real Envoys do with them, for meshes drawn at random.

MESHPROOF_DIFFERENTIAL_MESHES sets how many meshes are compared, MESHPROOF_DIFFERENTIAL_FIRST the number of the first.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from random import Random

import pytest
from differential_connections import Greeters, connections, manifests
from differential_manifests import text
from differential_site import CLIENT_LABELS, Site
from meshproof.border.expectation import Expectation
from meshproof.border.source import source
from meshproof.mesh.predict.prediction import predict
from test_differential import FIRST, MESHES, REQUESTS, TOGETHER, built

TRIES = 3


def outcomes(expected: Expectation) -> set[str]:
    """The workloads that may greet; empty text where the connection may end without one."""
    if expected.refused:
        return {""}
    drawn = [one for one in expected.arms if one.share]
    return {key for one in drawn for key in one.workloads or {""}}


@pytest.mark.parametrize("first", range(FIRST, FIRST + MESHES, TOGETHER))
def test_prediction_and_envoy_agree_on_connections(proving_ground: tuple[asyncio.Runner, Site], first: int) -> None:
    runner, site = proving_ground
    greeters, kinds = Greeters(site), Counter[str]()

    async def compared(number: int) -> None:
        draw = Random(number)
        resources = manifests(draw)
        mesh = built(resources)
        await greeters.put_on(mesh)
        for one in connections(draw, mesh, REQUESTS):
            expected = predict(mesh, one, source("default", CLIENT_LABELS))
            if expected.undecided:
                kinds["undecided"] += 1
                continue
            wanted = outcomes(expected)
            kinds[expected.refused or "led"] += 1
            seen = {await greeters.ask(one) for _ in range(TRIES)}
            assert seen <= wanted, f"mesh {number}, {one}: {seen}, not {wanted} ({expected.note})\n{text(resources)}"

    for number in range(first, min(first + TOGETHER, FIRST + MESHES)):
        runner.run(compared(number))
    assert kinds["led"]
    assert kinds["led"] + kinds["handshake"] + kinds["connection"] > kinds["undecided"]
