"""Pods that warm up come when the machine is quick enough, and again where too little was seen of them."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from meshproof.border.books import Mark
from meshproof.run.pacing import warmup
from meshproof.run.pacing.warmup import AHEAD, PATIENCE, SAMPLE, WINDOWS

SECONDS = 4.0


class Machine:
    """A load whose requests take so many seconds each, by a clock of its own; what is awaited moves that clock."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, each: float, calm: float = 0.0) -> None:
        """Until the moment `calm` each request takes twenty times as long."""
        self.each, self.calm, self.now, self.sent = each, calm, 0.0, 0
        self.marks: list[Mark] = []
        self.applied: list[int] = []
        self.granted = 0
        self.told = 0.0
        self.came: list[float] = []
        self.most_ahead = 0
        self.feed = SimpleNamespace(seen=[0])
        self.generator = SimpleNamespace(limit_users=lambda _users: None)
        self.live = SimpleNamespace(pods=lambda key: [key])
        self.prepared = SimpleNamespace(stages=[0, 1])
        self.trials: tuple[Any, ...] = ()
        monkeypatch.setattr(warmup, "asyncio", SimpleNamespace(sleep=self.sleep))

    def mark(self, name: str, **values: float) -> None:
        self.marks.append(Mark(name, self.now, values))

    def extend(self, totals: list[tuple[int, int]]) -> None:
        self.granted = max(self.granted, totals[0][1])
        self.most_ahead = max(self.most_ahead, self.granted - self.feed.seen[0])

    def grant(self, request: int, more: int) -> None:
        self.granted = self.feed.seen[request] + more

    async def sleep(self, seconds: float) -> None:
        until = self.now + seconds
        while self.granted > self.feed.seen[0] and self.now < until:
            self._send()
        self.now = max(self.now, until)

    async def idle(self) -> None:
        while self.granted > self.feed.seen[0]:
            self._send()

    async def step(self, request: int) -> None:
        self.grant(request, 1)
        await self.idle()

    async def enter(self, stage: int) -> None:
        self.stage = stage
        self.now += self.told

    async def apply(self, number: int) -> float:
        self.applied.append(number)
        self.came.append(self.now)
        return 0.01

    def _send(self) -> None:
        self.now += self.each * (20 if self.now < self.calm else 1)
        self.feed.seen[0] += 1


def driven(machine: Machine, wanting: list[bool]) -> Machine:
    answers = iter(wanting)
    trial = SimpleNamespace(
        stage=1, request=0, old=["old"], new=["new"], seconds=SECONDS, least_rate=40.0, wanting=lambda _: next(answers)
    )
    machine.trials = (trial,)
    asyncio.run(warmup.warmup(machine))  # type: ignore[arg-type]
    return machine


def test_one_window_is_driven_where_it_shows_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = driven(Machine(monkeypatch, 0.001), [False])
    assert (machine.applied, [one.name for one in machine.marks]) == ([1], ["came"])
    assert 2900 < machine.feed.seen[0] <= 3000 + SAMPLE + 1
    assert machine.most_ahead <= AHEAD


def test_pods_come_again_from_the_first_stage_and_not_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = driven(Machine(monkeypatch, 0.001), [True, False])
    assert machine.applied == [1, 0, 1]
    assert [one.name for one in machine.marks] == ["came", "left", "came"]
    assert driven(Machine(monkeypatch, 0.001), [True] * 9).applied == [1, *[0, 1] * (WINDOWS - 1)]


def test_a_pod_is_as_old_as_the_proxy_knows_it_however_late_the_generator_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    machine = Machine(monkeypatch, 0.001)
    machine.told = 0.4
    driven(machine, [False])
    assert machine.marks[0].at == machine.came[0]


def test_a_machine_that_is_too_slow_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = driven(Machine(monkeypatch, 0.005, calm=12.0), [False])
    assert 12.0 < machine.marks[0].at < 15.0


def test_it_is_not_waited_for_longer_than_there_is_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = driven(Machine(monkeypatch, 0.1), [True] * WINDOWS)
    assert PATIENCE < machine.marks[0].at < PATIENCE + 10.0
    assert len(machine.applied) == 2 * WINDOWS - 1
