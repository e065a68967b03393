"""The namespaces of a run: created when they are first asked for, and all deleted in the end."""

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
    """What happened to namespaces and to what their meshes share; `refuses` is one that cannot be created."""

    lines: list[str] = field(default_factory=list)
    refuses: str = ""

    def namespaces(self) -> RunNamespaces:
        return RunNamespaces(lambda name: Thing(self, "namespace", name), lambda name: Thing(self, "shared", name))  # type: ignore[arg-type,return-value]


@dataclass
class Thing:
    log: Log
    kind: str
    name: str

    async def create(self) -> None:
        self.log.lines.append(f"made {self.name}")
        await asyncio.sleep(0)
        if self.name == self.log.refuses:
            raise TargetError("a quota is exhausted")

    async def delete(self) -> None:
        self.log.lines.append(f"deleted {self.name}")

    async def close(self) -> None:
        self.log.lines.append(f"closed {self.name}")


def test_one_is_created_when_it_is_asked_for_and_only_once() -> None:
    log = Log()

    async def body(namespaces: RunNamespaces) -> Any:
        await namespaces.open("run")
        await namespaces.open("run-2")
        await namespaces.open("run-2")
        assert namespaces["run-2"] is not namespaces["run"]
        with pytest.raises(TargetError, match="namespace run-3 is none of this run's"):
            namespaces["run-3"]

    asyncio.run(body(log.namespaces()))
    assert log.lines == ["made run", "made run-2"]


def test_in_the_end_all_are_deleted_also_one_whose_creation_failed() -> None:
    log = Log(refuses="run-2")

    async def body(namespaces: RunNamespaces) -> None:
        await namespaces.open("run")
        with pytest.raises(TargetError, match="a quota is exhausted"):
            await namespaces.open("run-2")
        await namespaces.close()
        await namespaces.delete()

    asyncio.run(body(log.namespaces()))
    assert log.lines == ["made run", "made run-2", "closed run", "deleted run", "deleted run-2"]


@pytest.mark.parametrize(("lanes", "most"), [(None, 4), (1, 1), (2, 2)])
def test_a_run_that_is_killed_leaves_none_of_those_it_could_have_created(lanes: int | None, most: int) -> None:
    target = ClusterTarget(KubeSettings(context="lab", image="probe:1", lanes=lanes))
    names = [target.namespace, *(f"{target.namespace}-{number}" for number in range(2, most + 1))]
    assert list(named(target.namespace, target.lanes)) == names
    assert target.kubectl_deletions()[0] == ["delete", "namespace", *names, "--ignore-not-found", "--wait=false"]
