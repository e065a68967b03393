"""The ejections of a failover by proxies with one interval or another: as they are driven, and as they are judged."""

from __future__ import annotations

import asyncio
from fractions import Fraction
from types import SimpleNamespace
from typing import Any

import pytest
from meshproof.border.books import Books, Mark
from meshproof.border.expectation import Arm, Ejection, Expectation, Localities, Policy
from meshproof.border.observation import Observation
from meshproof.border.request import parse
from meshproof.border.steps import Fault
from meshproof.border.verdict import Outcome, Precision, Verdict
from meshproof.errors import Location
from meshproof.judge import LocalityFailover
from meshproof.run.pacing import failover
from meshproof.run.pacing.failover import _Pacing
from meshproof.scenario import Plan

HERE = Location("rule.yaml", 9, 7)
RULE = Ejection(consecutive_5xx_errors=2, interval=1.0, base_ejection_time=5.0, max_ejection_percent=100)
PODS = [[SimpleNamespace(pod=f"{place}-{number}") for number in range(2)] for place in ("near", "next", "far")]


class Proxy:
    """A proxy whose ejections end at the ticks of its own interval, the first of which comes at `phase`."""

    def __init__(self, interval: float, phase: float, lasting: float, step: float) -> None:
        self.interval, self.phase, self.lasting, self.took = interval, phase, lasting, step
        self.now = 0.0
        self.pods = [pod for level in PODS for pod in level]
        self.generator = SimpleNamespace(limit_users=lambda _users: None)
        self.last_ejected: dict[str, float] = {}
        self.marks: list[Mark] = []
        self.seen: list[Observation] = []
        self.failing: set[str] = set()
        self.failed = dict.fromkeys((pod.pod for pod in self.pods), 0)
        self.back: dict[str, float] = {}

    def mark(self, name: str, **values: float) -> None:
        self.marks.append(Mark(name, self.now, values))

    def stalls(self) -> tuple[()]:
        return ()

    async def step(self) -> None:
        self.now += self.took
        out = self._out()
        for level in PODS:
            well = [pod.pod for pod in level if pod.pod not in out]
            if well:
                name = well[len(self.seen) % len(well)]
                break
        self.seen.append(Observation("id", 0, 0, self.now, 0.0, 200, name, f"default/{name[:-2]}"))
        if name in self.failing:
            self.failed[name] += 1
            if self.failed[name] % 2 == 0:
                ticks = (self.now + self.lasting - self.phase) // self.interval + 1
                self.back[name] = self.phase + ticks * self.interval

    async def send(self, requests: int) -> None:
        for _ in range(requests):
            await self.step()

    async def settle(self) -> None:
        self.now += 1.25

    async def fail(self, pod: Any, _fault: Fault) -> None:
        self.failing.add(pod.pod)

    async def heal(self, pod: Any) -> None:
        self.failing.discard(pod.pod)

    async def heal_all(self) -> None:
        self.failing.clear()

    async def errors(self, pod: Any, _fault: Fault) -> int:
        return self.failed[pod.pod]

    async def ejected(self) -> set[str]:
        self.last_ejected |= dict.fromkeys(self._out(), self.now)
        return self._out()

    def _out(self) -> set[str]:
        return {name for name, back in self.back.items() if back > self.now}


def judged(monkeypatch: pytest.MonkeyPatch, proxy: Proxy) -> Verdict:
    async def slept(seconds: float) -> None:
        proxy.now += max(seconds, 0.0)

    monkeypatch.setattr(failover.asyncio, "sleep", slept)
    levels = tuple(frozenset({f"default/{place}"}) for place in ("near", "next", "far"))
    workloads = frozenset[str]().union(*levels)
    localities = Localities(levels, location=HERE)
    arm = Arm("web.default", Fraction(1), workloads, HERE, policy=Policy(ejection=RULE), localities=localities)
    (trial,) = LocalityFailover().begin(Plan("shop", ((Expectation(parse("GET http://web/"), (arm,)),),), Precision()))
    traffic: Any = proxy
    pacing = _Pacing(trial, PODS, traffic)  # type: ignore[arg-type]
    pacing.hosts = traffic
    asyncio.run(pacing.run())
    for one in proxy.seen:
        trial.observe(one)
    return trial.conclude(Books(marks=tuple(proxy.marks)))


PHASES = [number / 10 for number in range(10)]


@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("step", [0.0003, 0.003, 0.006])
def test_the_specified_interval_passes(monkeypatch: pytest.MonkeyPatch, phase: float, step: float) -> None:
    verdict = judged(monkeypatch, Proxy(1.0, phase, 5.0, step))
    assert verdict.outcome is Outcome.PASSED, verdict.reason


@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("interval", [1 / 3, 3.0, 10.0])
@pytest.mark.parametrize("step", [0.0003, 0.006])
def test_another_interval_fails_wherever_its_ticks_fall(
    monkeypatch: pytest.MonkeyPatch, phase: float, interval: float, step: float
) -> None:
    """Also where so much time is between two places' ejections that these alone do not tell it."""
    verdict = judged(monkeypatch, Proxy(interval, phase * interval, 5.0, step))
    assert verdict.outcome is Outcome.FAILED, verdict.reason


@pytest.mark.parametrize("lasting", [4.0, 7.0])
def test_ejections_that_last_too_short_or_too_long_fail(monkeypatch: pytest.MonkeyPatch, lasting: float) -> None:
    verdict = judged(monkeypatch, Proxy(1.0, 0.5, lasting, 0.0003))
    assert verdict.outcome is Outcome.FAILED
    assert "the first ejection lasted" in verdict.reason
