"""One request sent to a mesh some times."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from meshproof.border.books import Books
from meshproof.border.load import Load
from meshproof.border.observation import Observation
from meshproof.border.request import Request, Tls
from meshproof.border.source import Source
from meshproof.mesh.build.assemble import Built
from meshproof.process import OwnedFolder
from meshproof.run.beside import beside, cancelled
from meshproof.run.generators import Generators
from meshproof.targets.base import LiveMesh, Target
from meshproof.traffic.locust import Generator

SHAPE = "steady"
USERS = 4


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of each, as its client saw it, and what pods and proxies counted meanwhile."""

    observations: tuple[Observation, ...]
    books: Books


async def send(target: Target, built: Built, requests: Sequence[Request], source: Source, count: int) -> list[Sent]:
    """Put the mesh in force, send each request `count` times, and end all of it again; raises TargetError.

    The requests are sent one after the other, each in a load of its own.
    """
    folder = OwnedFolder.make("meshproof-")
    generators = Generators(folder.path, target.timeouts)
    try:
        generators.prepare(SHAPE)
        await target.up()
        live = target.mesh("explain", requests, source.namespace, source.labels)
        try:
            await live.apply(built.mesh, built.resources)
            watch = asyncio.ensure_future(live.watch())
            try:
                return [await _sent(live, generators, one, count, at, watch) for at, one in enumerate(requests)]
            finally:
                await cancelled(watch)
        finally:
            await live.close()
    finally:
        await generators.close()
        await target.down()
        folder.remove()


async def _sent(
    live: LiveMesh, generators: Generators, request: Request, count: int, number: int, watch: asyncio.Task[None]
) -> Sent:
    load = Load(SHAPE, request, users=min(USERS, count), tls=request.tls or Tls())
    vantage = live.vantage([request])
    await live.open_books()
    async with generators.use(SHAPE, vantage) as generator:
        await generator.begin(load, vantage.resolve, f"explain{number}")
        generator.grant(0, count)
        observations = await beside(_gathered(generator, count), watch)
    await live.at_rest()
    await live.check()
    return Sent(tuple(observations), await live.books())


async def _gathered(generator: Generator, count: int) -> list[Observation]:
    found: list[Observation] = []
    # A generator that owes observations and reports none ends this with a TargetError.
    async for batch in generator.observations():
        found += batch
        if len(found) == count:
            break
    await generator.finish()
    return found
