"""The namespaces of a run: made when they are asked for, and each of them gone in the end."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

import pytest
from meshproof.errors import TargetError
from meshproof.targets.cluster.existing import ClusterTarget
from meshproof.targets.cluster.namespaces import RunNamespaces, named
from meshproof.targets.cluster.settings import KubeSettings


@dataclass
class Log:
    """What became of namespaces and of what stands in them; `refuses` is one that cannot be made."""

    lines: list[str] = field(default_factory=list)
    refuses: str = ""

    def rooms(self) -> RunNamespaces:
        return RunNamespaces(lambda name: Thing(self, "namespace", name), lambda name: Thing(self, "place", name))  # type: ignore[arg-type,return-value]


@dataclass
class Thing:
    log: Log
    kind: str
    name: str

    async def create(self) -> None:
        self.log.lines.append(f"made {self.name}")
        await asyncio.sleep(0)
        if self.name == self.log.refuses:
            raise TargetError("no more room")

    async def delete(self) -> None:
        self.log.lines.append(f"deleted {self.name}")

    async def close(self) -> None:
        self.log.lines.append(f"closed {self.name}")


def test_one_is_made_when_it_is_asked_for_and_only_once() -> None:
    log = Log()

    async def body(rooms: RunNamespaces) -> Any:
        await rooms.open("run")
        await rooms.open("run-2")
        await rooms.open("run-2")
        assert rooms["run-2"] is not rooms["run"]
        with pytest.raises(TargetError, match="namespace run-3 is none of this run's"):
            rooms["run-3"]

    asyncio.run(body(log.rooms()))
    assert log.lines == ["made run", "made run-2"]


def test_in_the_end_all_of_them_go_also_one_that_was_made_half_way() -> None:
    log = Log(refuses="run-2")

    async def body(rooms: RunNamespaces) -> None:
        await rooms.open("run")
        with pytest.raises(TargetError, match="no more room"):
            await rooms.open("run-2")
        await rooms.close()
        await rooms.delete()

    asyncio.run(body(log.rooms()))
    assert log.lines == ["made run", "made run-2", "closed run", "deleted run", "deleted run-2"]


@pytest.mark.parametrize(("lanes", "most"), [(None, 4), (1, 1), (2, 2)])
def test_a_run_that_is_killed_leaves_none_of_those_it_could_have_made(lanes: int | None, most: int) -> None:
    target = ClusterTarget(KubeSettings(context="lab", image="probe:1", lanes=lanes))
    names = [target.namespace, *(f"{target.namespace}-{number}" for number in range(2, most + 1))]
    assert list(named(target.namespace, target.lanes)) == names
    assert target.leavings()[0] == ["delete", "namespace", *names, "--ignore-not-found", "--wait=false"]
