"""Which scenarios are driven side by side, and in which namespace of a cluster."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from meshproof.border.verdict import Precision
from meshproof.errors import TargetError
from meshproof.run.discover import scenarios, select
from meshproof.run.lanes import side_by_side
from meshproof.run.prepare import Prepared, prepare, running
from meshproof.targets.base import Target

NAMESPACE = "run"


@dataclass
class Cluster:
    """A cluster with so many lanes."""

    lanes: int = 4
    made: list[str] = field(default_factory=list)

    async def lane(self, number: int) -> str:
        name = f"{NAMESPACE}-{number}" if number else NAMESPACE
        if name not in self.made:
            await asyncio.sleep(0)
            self.made.append(name)
        return name


@dataclass
class Recorder:
    """Drives nothing, and records what was driven where, and how much of it at once."""

    seen: list[Prepared] = field(default_factory=list)
    now: list[Prepared] = field(default_factory=list)
    most: int = 0

    async def run(self, one: Prepared) -> None:
        self.seen.append(one)
        self.now.append(one)
        self.most = max(self.most, len(self.now))
        alike = Counter(prepared.client.namespace for prepared in self.now)
        assert max(alike.values()) == 1 or one.client.namespace == "default", f"{alike}: two in one namespace"
        # Turns of the event loop, not seconds: what is driven where does not depend on the machine's speed.
        for _ in range(3 if one.mostly_waits else 1):
            await asyncio.sleep(0)
        self.now.remove(one)

    @property
    def names(self) -> list[str]:
        return [one.name for one in self.seen]


def drive(work: Sequence[Prepared], target: Any) -> Recorder:
    recorder = Recorder()
    asyncio.run(side_by_side(work, recorder.run, target))
    return recorder


def prepared(*names: str, namespace: str = NAMESPACE) -> list[Prepared]:
    return [prepare(one.scenario, one.folder, Precision(), namespace) for one in select(scenarios(), names)]


def enters(one: Prepared) -> bool:
    return any(stage.mesh.gateways for stage in one.stages)


@pytest.fixture(scope="module")
def everything() -> list[Prepared]:
    return prepared("canary", "breaker", "mirror", "gateway")


def test_each_is_driven_once_and_in_the_namespace_that_it_is_prepared_for(everything: list[Prepared]) -> None:
    target = Cluster()
    recorder = drive(everything, target)
    assert sorted(recorder.names) == sorted(one.name for one in everything)
    assert {one.client.namespace for one in recorder.seen} == set(target.made) == {NAMESPACE, "run-1", "run-2", "run-3"}
    assert recorder.most == 4
    for one in recorder.seen:
        hosts = {service.host for stage in one.stages for service in stage.mesh.services}
        assert all(f".{one.client.namespace}." in host for host in hosts), hosts


def test_gateways_are_entered_by_one_at_a_time(everything: list[Prepared]) -> None:
    recorder = drive(everything, Cluster())
    assert {one.client.namespace for one in recorder.seen if enters(one)} == {NAMESPACE}
    assert {one.client.namespace for one in recorder.seen if not enters(one)} >= {"run-1", "run-2", "run-3"}


def test_those_that_mostly_wait_have_lanes_of_their_own(everything: list[Prepared]) -> None:
    recorder = drive(everything, Cluster())
    for namespace in ("run-2", "run-3"):
        waiting = [one.mostly_waits for one in recorder.seen if one.client.namespace == namespace]
        assert waiting[0]
        assert waiting == sorted(waiting, reverse=True), "others come when no more of these are left"


def test_one_lane_drives_them_one_after_another_in_one_namespace(everything: list[Prepared]) -> None:
    target = Cluster(lanes=1)
    recorder = drive(everything, target)
    assert (recorder.most, target.made) == (1, [NAMESPACE])
    assert len(recorder.seen) == len(everything)


def test_what_shares_manifests_follows_each_other() -> None:
    # Given in turns; those of httpbin have other Deployments than those of helloworld.
    one, other = prepared("canary"), prepared("MirrorAll", "MirrorOff", "MirrorHalf")
    work = [item for pair in zip(one, other, strict=True) for item in pair]
    recorder = drive(work, Cluster(lanes=1))
    folders = [item.files[0].rpartition("/")[0].rpartition("/")[2] for item in recorder.seen]
    assert sum(a != b for a, b in itertools.pairwise(folders)) == 1


@pytest.mark.parametrize(
    ("names", "lanes"),
    [
        (["CanarySplit"], [NAMESPACE]),
        (["canary"], [NAMESPACE, "run-1"]),
        (["gateway"], [NAMESPACE]),
        (["GatewayPaths", "canary"], [NAMESPACE, "run-1"]),
        (["OutlierLoneHost", "OutlierMinHealth", "canary"], [NAMESPACE, "run-1", "run-2", "run-3"]),
    ],
)
def test_a_namespace_is_made_only_for_what_is_its_own(names: list[str], lanes: list[str]) -> None:
    target = Cluster()
    recorder = drive(prepared(*names), target)
    assert sorted(target.made) == lanes
    assert len(recorder.seen) == len(prepared(*names))


def test_a_mutant_is_not_prepared_again_for_another_namespace() -> None:
    (plain,) = prepared("CanarySplit")
    (other,) = prepared("CanaryByHeader")
    wrong = running(plain, [SimpleNamespace(resources=other.stages[0].resources)])  # type: ignore[list-item]
    recorder = drive([wrong, wrong], Cluster())
    assert [one.client.namespace for one in recorder.seen] == [NAMESPACE, NAMESPACE]
    assert recorder.seen[0] is wrong


def test_an_error_ends_the_others() -> None:
    class Broken(Cluster):
        async def lane(self, number: int) -> str:
            raise TargetError("no namespace can be made")

    with pytest.raises(ExceptionGroup) as caught:
        drive(prepared("canary"), Broken())
    assert all(isinstance(one, TargetError) for one in caught.value.exceptions)


def test_on_this_machine_no_namespace_is_made() -> None:
    work = prepared("canary", "breaker", namespace="default")
    recorder = drive(work, Target)
    assert sorted(recorder.names) == sorted(one.name for one in work)
    assert recorder.most == 10 - max(0, 8 - sum(one.mostly_waits for one in work))
    assert {one.client.namespace for one in recorder.seen} == {"default"}
