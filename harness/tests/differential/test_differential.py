"""What is predicted of a mesh and what real Envoys do with its translation are the same, for meshes drawn at random.

The two are written independently of each other, from Istio's reference and from istiod's source. Each
mesh has a number, and a difference is shown with the smallest manifests that still make it.
MESHPROOF_DIFFERENTIAL_MESHES sets how many meshes are compared, MESHPROOF_DIFFERENTIAL_FIRST the
number of the first.
"""

from __future__ import annotations

import asyncio
import io
import os
from random import Random

import pytest
from differential_compare import differences
from differential_manifests import Manifest, manifests, of_grpc, text
from differential_reduce import reduced
from differential_requests import as_call, request
from differential_site import CLIENT_LABELS, Site
from meshproof.border.request import Request
from meshproof.border.source import source
from meshproof.errors import MeshproofError
from meshproof.manifest import load
from meshproof.mesh.build.assemble import build
from meshproof.mesh.coverage.dependencies import Dependencies
from meshproof.mesh.coverage.facts import facts
from meshproof.mesh.coverage.undecided import undecided
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.unmodelled import Received
from meshproof.mesh.predict.prediction import predict

MESHES = int(os.environ.get("MESHPROOF_DIFFERENTIAL_MESHES", "40"))
FIRST = int(os.environ.get("MESHPROOF_DIFFERENTIAL_FIRST", "0"))
REQUESTS = 10
TOGETHER = 20


def built(resources: list[Manifest]) -> Mesh:
    return build(load(["-"], stdin=io.StringIO(text(resources))).resources).mesh


async def difference(site: Site, mesh: Mesh, one: Request) -> list[str]:
    """In what the outcome of a request to the mesh that is put on is not as predicted."""
    expected = predict(mesh, one, source("default", CLIENT_LABELS))
    # Nothing is predicted of what depends on something that is not understood, such as a delegate that is not there.
    known = facts(mesh, expected, source("default", CLIENT_LABELS))
    # No pod of this site has a sidecar, for which a policy may be as well.
    others = [one for one in mesh.unmodelled if not any(isinstance(reach, Received) for reach in one.touches)]
    if others and Dependencies(mesh, others).touching(known):
        return []
    if expected.undecided or undecided(mesh, expected):
        return []
    rules = [rule for found in mesh.virtual_services for rule in found.http if rule.location == expected.route]
    entries = sum(target.weight > 0 for rule in rules for target in rule.destinations)
    arms = sum(arm.share > 0 for arm in expected.arms)
    return differences(expected, await site.ask(one), plain=entries <= max(arms, 1))


async def compared(site: Site, number: int, *, calls: bool = False) -> list[str]:
    """The differences that one mesh shows, each with the smallest manifests that show it.

    With `calls` the ports of its Services are of gRPC, and so are the requests.
    """
    draw = Random(number)
    resources = manifests(draw)
    resources = of_grpc(draw, resources) if calls else resources
    mesh = built(resources)
    await site.put_on(mesh)
    several = [request(draw, mesh) for _ in range(REQUESTS)]
    several = [as_call(one) for one in several] if calls else several
    return [await told(site, number, resources, one) for one in several if await difference(site, mesh, one)]


async def told(site: Site, number: int, resources: list[Manifest], one: Request) -> str:
    shown = set(await difference(site, built(resources), one))

    async def shows(fewer: list[Manifest]) -> bool:
        try:
            mesh = built(fewer)
            await site.put_on(mesh)
        except MeshproofError:
            return False
        return not shown.isdisjoint(await difference(site, mesh, one))

    smallest = await reduced(resources, shows)
    await site.put_on(built(smallest))
    found = await difference(site, built(smallest), one)
    await site.put_on(built(resources))
    return f"mesh {number}, {one}:\n" + "\n".join(found) + f"\n{text(smallest)}"


@pytest.mark.parametrize("first", range(FIRST, FIRST + MESHES, TOGETHER))
def test_prediction_and_envoy_agree(proving_ground: tuple[asyncio.Runner, Site], first: int) -> None:
    runner, site = proving_ground
    for number in range(first, min(first + TOGETHER, FIRST + MESHES)):
        found = runner.run(compared(site, number))
        assert not found, "\n".join(found)


@pytest.mark.parametrize("first", range(FIRST, FIRST + max(MESHES // 4, 1), TOGETHER))
def test_prediction_and_envoy_agree_on_calls_of_grpc(proving_ground: tuple[asyncio.Runner, Site], first: int) -> None:
    runner, site = proving_ground
    for number in range(first, min(first + TOGETHER, FIRST + max(MESHES // 4, 1))):
        found = runner.run(compared(site, number, calls=True))
        assert not found, "\n".join(found)
