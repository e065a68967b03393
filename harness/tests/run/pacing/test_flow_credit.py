"""The generator is told of further credit seldom, and never runs out of it before the checks are decided."""

from __future__ import annotations

import asyncio
from collections import deque
from types import SimpleNamespace
from typing import Any

import pytest
from meshproof.border.observation import Observation
from meshproof.run.pacing.feed import Feed
from meshproof.run.pacing.flow import flow
from meshproof.run.pacing.traffic import Traffic

WINDOW = 32


class Counting:
    """A trial of one request of one stage that is decided after so many."""

    check, limit = "Counting", 1000

    def __init__(self, request: int, stage: int, enough: int) -> None:
        self.request, self.stage, self.enough, self.count = request, stage, enough, 0

    @property
    def decided(self) -> bool:
        return self.count >= self.enough

    def observe(self, _: Observation) -> None:
        self.count += 1


class Answering:
    """A generator that sends in turns what was granted; `messages` counts how often it was told of credit."""

    began = 0.0

    def __init__(self, requests: int) -> None:
        self.granted, self.sent = [0] * requests, [0] * requests
        self.messages = 0
        self.turn = deque(range(requests))

    @property
    def owed(self) -> int:
        return sum(self.granted) - sum(self.sent)

    def grant_each(self, totals: list[tuple[int, int]]) -> None:
        self.messages += bool(totals)
        for request, total in totals:
            self.granted[request] = max(total, self.granted[request])

    def next(self) -> int:
        while True:
            self.turn.rotate(-1)
            request = self.turn[0]
            if self.sent[request] < self.granted[request]:
                self.sent[request] += 1
                return request

    async def stage(self, number: int) -> None:
        pass


def driven(feed: Feed, generator: Answering, stages: int = 1) -> None:
    """Drive it to its end, an observation at a time; it must never owe nothing while something is wanted."""

    async def apply(mesh: Any, resources: Any) -> Any:
        return SimpleNamespace(seconds=0.0, version="1")

    async def at_rest() -> None:
        pass

    stage = SimpleNamespace(mesh=None, resources=())
    prepared = SimpleNamespace(stages=(stage,) * stages, name="flow")
    live: Any = SimpleNamespace(apply=apply, at_rest=at_rest)

    async def run() -> None:
        load: Any = prepared
        one = Traffic(load, live, generator, feed, lambda _: None, SimpleNamespace())  # type: ignore[arg-type]
        pacing = asyncio.ensure_future(flow(one))
        while not pacing.done():
            await asyncio.sleep(0)
            if generator.owed:
                feed.take([Observation("id", generator.next(), feed.stage, 0.0, 0.0, 200)])
                one.wake()
            else:
                for _ in range(10):
                    await asyncio.sleep(0)
                assert generator.owed or pacing.done(), "nothing is on its way, and something is still wanted"
        await pacing

    asyncio.run(asyncio.wait_for(run(), 20))


@pytest.mark.parametrize("requests", [1, 3, 40])
def test_credit_is_told_a_few_times_a_window(requests: int) -> None:
    trials = [Counting(request, 0, 200 + 10 * request) for request in range(requests)]
    generator = Answering(requests)
    driven(Feed(trials, requests, WINDOW), generator)
    assert all(trial.decided for trial in trials)
    assert generator.messages * 4 < sum(generator.sent)
    # What a decided check is sent beyond its need stays below what may be under way.
    assert all(sent <= trial.enough + WINDOW for sent, trial in zip(generator.sent, trials, strict=True))


def test_a_stage_is_granted_its_own_at_once() -> None:
    trials = [Counting(0, stage, 50) for stage in (0, 1, 2)]
    generator = Answering(1)
    driven(Feed(trials, 1, WINDOW), generator, stages=3)
    assert [trial.count >= 50 for trial in trials] == [True] * 3
