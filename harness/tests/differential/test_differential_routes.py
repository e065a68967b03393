"""What is predicted of HTTPRoutes and ServiceEntries and what real Envoys do with them, for meshes drawn at random.

MESHPROOF_DIFFERENTIAL_MESHES sets how many meshes are compared, MESHPROOF_DIFFERENTIAL_FIRST the number of the first.
"""

from __future__ import annotations

import asyncio
from random import Random

import pytest
from differential_compare import differences
from differential_manifests import Manifest, text
from differential_reduce import reduced
from differential_requests import request
from differential_routes import manifests
from differential_site import CLIENT_LABELS, Site
from meshproof.border.request import Request
from meshproof.border.source import source
from meshproof.envoy.visibility import has_addresses
from meshproof.errors import MeshproofError
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.predict.called import addressed
from meshproof.mesh.predict.prediction import predict
from test_differential import FIRST, MESHES, REQUESTS, TOGETHER, built

PLACES = ("default", "default", "shop", "third")


async def difference(site: Site, mesh: Mesh, one: Request, namespace: str) -> list[str]:
    """In what the outcome of a request to the mesh that is put on is not as predicted."""
    expected = predict(mesh, one, source(namespace, CLIENT_LABELS))
    called = addressed(mesh, one, namespace)
    ports = [port for port in called.ports if port.number == one.port] if called else []
    if expected.refused and called and not all(has_addresses(mesh, called, port) for port in ports):
        # Its clients find no address that they could call.
        return []
    rules = [rule for found in mesh.virtual_services for rule in found.http if rule.location == expected.route]
    entries = max((sum(target.weight > 0 for target in rule.destinations) for rule in rules), default=0)
    arms = sum(arm.share > 0 for arm in expected.arms)
    return differences(expected, await site.ask(one), plain=entries <= max(arms, 1))


async def compared(site: Site, number: int) -> list[str]:
    """The differences that one mesh shows, each with the smallest manifests that show it."""
    draw = Random(number)
    resources, namespace = manifests(draw), draw.choice(PLACES)
    mesh = built(resources)
    await site.put_on(mesh, namespace)
    several = [request(draw, mesh) for _ in range(REQUESTS)]
    found = [one for one in several if await difference(site, mesh, one, namespace)]
    return [await told(site, number, resources, one, namespace) for one in found]


async def told(site: Site, number: int, resources: list[Manifest], one: Request, namespace: str) -> str:
    await site.put_on(built(resources), namespace)
    shown = set(await difference(site, built(resources), one, namespace))

    async def shows(fewer: list[Manifest]) -> bool:
        try:
            mesh = built(fewer)
            await site.put_on(mesh, namespace)
        except MeshproofError:
            return False
        return not shown.isdisjoint(await difference(site, mesh, one, namespace))

    smallest = await reduced(resources, shows)
    await site.put_on(built(smallest), namespace)
    found = await difference(site, built(smallest), one, namespace)
    return f"mesh {number}, {one}, from {namespace}:\n" + "\n".join(found) + f"\n{text(smallest)}"


@pytest.mark.parametrize("first", range(FIRST, FIRST + MESHES, TOGETHER))
def test_prediction_and_envoy_agree_on_routes(proving_ground: tuple[asyncio.Runner, Site], first: int) -> None:
    runner, site = proving_ground
    for number in range(first, min(first + TOGETHER, FIRST + MESHES)):
        found = runner.run(compared(site, number))
        assert not found, "\n".join(found)
