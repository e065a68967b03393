"""One request sent to a mesh some times."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from meshproof.border.books import Books
from meshproof.border.expectation import Expectation
from meshproof.border.load import Load
from meshproof.border.observation import Observation
from meshproof.border.request import Request, Tls
from meshproof.border.source import Source
from meshproof.mesh.build.assemble import Built
from meshproof.process import OwnedFolder
from meshproof.records import dataclass
from meshproof.run.beside import beside, cancelled
from meshproof.run.generators import Generators
from meshproof.run.resolve import recording
from meshproof.targets.base import LiveMesh, Target
from meshproof.traffic.locust import Generator

SHAPE = "steady"
USERS = 4


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of each, as its client saw it, and what pods and proxies counted meanwhile."""

    observations: tuple[Observation, ...]
    books: Books


@dataclass(frozen=True, slots=True)
class Several:
    """A request that is sent `count` times; what of its answers is read is what these expectations name."""

    request: Request
    count: int
    expected: tuple[Expectation, ...] = ()


async def send(target: Target, built: Built, several: Sequence[Several], source: Source) -> list[Sent]:
    """Put the mesh in force, send each request as often as is said, and end all of it again; raises TargetError.

    The requests are sent one after the other, each in a load of its own.
    """
    requests = [one.request for one in several]
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
                return [await _sent(live, generators, one, at, watch) for at, one in enumerate(several)]
            finally:
                await cancelled(watch)
        finally:
            await live.close()
    finally:
        await generators.close()
        await target.down()
        folder.remove()


async def _sent(
    live: LiveMesh, generators: Generators, several: Several, number: int, watch: asyncio.Task[None]
) -> Sent:
    request, count = several.request, several.count
    load = recording(Load(SHAPE, request, users=min(USERS, count), tls=request.tls or Tls()), several.expected)
    vantage = live.vantage([request])
    await live.open_books()
    async with generators.use(SHAPE, vantage) as generator:
        await generator.begin(load, vantage.resolve, f"explain{number}", headers=load.headers, digest=load.digest)
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
