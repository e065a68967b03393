"""Services that prefer pods which are near, through a real Envoy."""

from __future__ import annotations

import asyncio
from pathlib import Path

from meshproof.envoy.node import Proxy
from meshproof.manifest import load
from meshproof.mesh.build.assemble import build

SITE = Path(__file__).parents[1] / "golden" / "traffic-distribution.in.yaml"
CLIENT = Proxy(labels={"app": "client"})


def test_the_pods_of_the_clients_zone_answer_alone(site):
    mesh = build(load([str(SITE)]).resources).mesh

    async def scene():
        async with site() as s:
            _, ports = await s.serve(mesh, CLIENT)
            asked = {"zone": 80, "any": 82, "inherited": 83}
            return {name: {(await s.ask(ports[port], host=name))[2] for _ in range(40)} for name, port in asked.items()}

    everyone = {"near-0", "beside-0", "far-0"}
    assert asyncio.run(scene()) == {"zone": {"near-0"}, "any": everyone, "inherited": {"near-0"}}
