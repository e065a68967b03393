"""Which generator is started while a remote mesh gets ready."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from meshproof.border.load import Load, Vantage
from meshproof.border.timeouts import Timeouts
from meshproof.border.verdict import Precision
from meshproof.errors import TargetError
from meshproof.judge import Split
from meshproof.run.engine import Drive
from meshproof.run.generators import Generators
from meshproof.run.prepare import prepare
from meshproof.scenario import Scenario
from meshproof.suite import folder
from meshproof.traffic.locust import Generator

POD = Vantage(("kubectl", "exec", "--"))


@dataclass
class RemoteMesh:
    """A mesh that breaks as soon as it has answered where loads are sent from."""

    asked: asyncio.Event = field(default_factory=asyncio.Event)
    closed: bool = False

    async def sending(self, requests: Sequence[Any]) -> Vantage:
        self.asked.set()
        return POD

    async def apply(self, mesh: Any, resources: Any) -> Any:
        await self.asked.wait()
        await asyncio.sleep(0)
        raise TargetError("enough")

    async def watch(self) -> None:
        await asyncio.Event().wait()

    async def save_state(self, folder: Path) -> None:
        pass

    async def close(self) -> None:
        self.closed = True


@pytest.fixture
def canary(tmp_path: Path) -> Any:
    files = folder("scenarios") / "canary"
    scenario = Scenario(
        name="Canary",
        description="",
        manifests=["helloworld.yaml", "subsets.yaml", "weight-10.yaml"],
        load=Load("steady", "GET http://helloworld:5000/hello"),
        expect=[Split()],
    )
    return prepare(scenario, files, Precision())


def drive(prepared: Any, live: RemoteMesh, tmp_path: Path, ahead: list[Vantage]) -> None:
    """Drive it until the mesh breaks."""

    @contextlib.asynccontextmanager
    async def generator_for(vantage: Vantage) -> AsyncIterator[Generator]:
        raise AssertionError(f"nothing is to be used for {vantage}")
        yield

    async def run() -> None:
        one = Drive(
            prepared,
            live,
            generator_for,
            lambda _: None,
            tmp_path,
            Timeouts(),
            100,
            "t-",
            fail_fast=True,
            generator_ahead=lambda vantage: contextlib.nullcontext(ahead.append(vantage)),
        )
        result = await one.run()
        assert str(result.error) == "enough"

    asyncio.run(run())


def test_a_generator_gets_ready_while_the_mesh_does(canary: Any, tmp_path: Path) -> None:
    live, ahead = RemoteMesh(), []
    drive(canary, live, tmp_path, ahead)
    assert ahead == [POD]
    assert live.closed


def test_no_second_one_is_started_while_one_is_idle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[str] = []

    async def start(shape: str, *_: Any) -> Any:
        started.append(shape)
        return Idle()

    monkeypatch.setattr(Generator, "start", start)

    async def run() -> None:
        generators = Generators(tmp_path, Timeouts())
        generators.prepare("steady", POD)
        generators.prepare("steady", POD)
        async with generators.use("steady", POD):
            pass
        generators.prepare("steady", POD)
        await generators.close()
        assert started == ["steady"]

    asyncio.run(run())


def test_each_of_several_meshes_has_one_getting_ready_before_any_is_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[str] = []

    async def start(shape: str, *_: Any) -> Any:
        started.append(shape)
        return Idle()

    monkeypatch.setattr(Generator, "start", start)

    async def run() -> None:
        generators = Generators(tmp_path, Timeouts())
        generators.prepare("steady", POD)
        with generators.ahead("steady", POD), generators.ahead("steady", POD):
            await asyncio.sleep(0)
            assert started == ["steady", "steady"]
        async with generators.use("steady", POD), generators.use("steady", POD):
            pass
        with generators.ahead("steady", POD):
            await asyncio.sleep(0)
        await generators.close()
        assert started == ["steady", "steady"]

    asyncio.run(run())


class Idle:
    async def close(self) -> None:
        pass
