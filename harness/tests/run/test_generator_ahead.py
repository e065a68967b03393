"""Which generator is started while a distant mesh gets ready."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from meshproof.border.load import Load
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

COMMAND = ("kubectl", "exec", "--")


@dataclass
class Distant:
    """A mesh that breaks as soon as it has told where loads are sent from."""

    told: asyncio.Event = field(default_factory=asyncio.Event)
    closed: bool = False

    async def sending(self, requests: Sequence[Any]) -> tuple[str, ...]:
        self.told.set()
        return COMMAND

    async def apply(self, mesh: Any, resources: Any) -> Any:
        await self.told.wait()
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


def drive(prepared: Any, live: Distant, tmp_path: Path, ahead: list[tuple[str, ...]]) -> None:
    """Drive it in vain."""

    @contextlib.asynccontextmanager
    async def lend(command: tuple[str, ...]) -> AsyncIterator[Generator]:
        raise AssertionError(f"nothing is to be lent for {command}")
        yield

    async def run() -> None:
        one = Drive(
            prepared, live, lend, lambda _: None, tmp_path, Timeouts(), 100, "t-", fail_fast=True, prepare=ahead.append
        )
        result = await one.run()
        assert str(result.error) == "enough"

    asyncio.run(run())


def test_a_generator_gets_ready_while_the_mesh_does(canary: Any, tmp_path: Path) -> None:
    live, ahead = Distant(), []
    drive(canary, live, tmp_path, ahead)
    assert ahead == [COMMAND]
    assert live.closed


def test_one_that_waits_already_is_not_joined_by_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[str] = []

    async def start(shape: str, *_: Any) -> Any:
        started.append(shape)
        return Idle()

    monkeypatch.setattr(Generator, "start", start)

    async def run() -> None:
        generators = Generators(tmp_path, Timeouts())
        generators.prepare("steady", COMMAND)
        generators.prepare("steady", COMMAND)
        async with generators.lend("steady", COMMAND):
            pass
        generators.prepare("steady", COMMAND)
        await generators.close()
        assert started == ["steady"]

    asyncio.run(run())


class Idle:
    async def close(self) -> None:
        pass
