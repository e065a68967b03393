"""Real Locust against real workloads, without a mesh between them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from meshproof.border.load import Load, Vantage
from meshproof.border.observation import Observation
from meshproof.border.timeouts import Timeouts
from meshproof.errors import Location
from meshproof.mesh.model.kubernetes import ContainerPort, Workload
from meshproof.traffic.locust import Generator
from meshproof.workload.probe import Probe

ECHO = Workload("echo", "default", 1, {"app": "echo"}, "echo", (ContainerPort(80),), Location("y", 1, 1))


@dataclass
class Stand:
    """A workload, a generator, and what leads the one to the other."""

    folder: Path
    timeouts: Timeouts
    stack: contextlib.AsyncExitStack

    async def probe(self) -> Probe:
        probe = await Probe.start("echo-0", ECHO, self.folder / "echo.log", self.timeouts)
        self.stack.push_async_callback(probe.stop)
        return probe

    async def generator(self, shape: str = "steady", workers: int = 0) -> Generator:
        generator = await Generator.start(
            shape, Vantage(workers=(Vantage(),) * workers), self.folder / "locust.log", self.timeouts
        )
        self.stack.push_async_callback(generator.close)
        return generator

    async def both(self, load: Load, workers: int = 0) -> tuple[Probe, Generator]:
        """Both started, and the load begun without credit."""
        generator, probe = await asyncio.gather(self.generator(load.shape, workers), self.probe())
        await generator.begin(load, {"echo:80": ("127.0.0.1", probe.ports[80])}, "t-")
        return probe, generator

    async def collect(self, generator: Generator, count: int) -> list[Observation]:
        """Observations until there are `count` of them."""
        found: list[Observation] = []
        async with asyncio.timeout(10):
            async for batch in generator.observations():
                found += batch
                if len(found) >= count:
                    break
        return found

    async def rest(self, generator: Generator) -> list[Observation]:
        """Finish the load, and what was still to come."""
        await generator.finish()
        return [observation async for batch in generator.observations() for observation in batch]


@pytest.fixture
def stand(tmp_path: Path) -> Callable[..., contextlib.AbstractAsyncContextManager[Stand]]:
    """`async with stand() as s:` inside asyncio.run; takes Timeouts' fields."""

    @contextlib.asynccontextmanager
    async def opened(**timeouts: float) -> AsyncIterator[Stand]:
        async with contextlib.AsyncExitStack() as stack:
            yield Stand(tmp_path, Timeouts(**timeouts), stack)

    return opened
