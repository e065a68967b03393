"""An ejection's load in its order: all hosts fail within a second ejection; one that came late is tried again."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from meshproof.border.books import Stall
from meshproof.border.steps import REFUSED, Fault
from meshproof.run.pacing import ejection, max_ejection
from meshproof.run.pacing.ejection import _Pacing
from meshproof.run.pacing.failing_hosts import FURTHER, FURTHER_SECONDS

FAULT = Fault(503, 3)
BASE = 2.0


class Hosts:
    """A victim beside another host: ejections take the next of `delays` to come, and last `base` or twice that."""

    def __init__(self, *delays: float, base: float = BASE) -> None:
        self.base = base
        self.pods = [SimpleNamespace(pod="victim"), SimpleNamespace(pod="other")]
        self.traffic = self
        self.generator = SimpleNamespace(limit_users=lambda _users: None)
        self.last_ejected: dict[str, float] = {}
        self.now = 0.0
        self.story: list[str] = []
        self.marks: list[SimpleNamespace] = []
        self.times: list[float] = []
        self._delays = list(delays)
        self._failing = False
        self._out_until = 0.0
        self._count = 0

    def mark(self, name: str, **_: float) -> None:
        self.marks.append(SimpleNamespace(name=name))
        if name in {"ejected", "returned"}:
            self.story.append(name)
            self.times.append(self.now)

    def stalls(self) -> tuple[Stall, ...]:
        return ()

    async def fail(self, _pod: object, _fault: Fault) -> None:
        self._failing = True

    async def heal(self, _pod: object) -> None:
        self._failing = False

    async def heal_all(self) -> None: ...

    async def settle(self) -> None:
        self.story.append("settled")
        self.now += 1.25

    async def send(self, _requests: int) -> None:
        await self.step()

    async def step(self) -> None:
        self.now += 0.05
        if self._failing and self.now >= self._out_until:
            self._count += 1
            if self._count % FAULT.errors == 0:
                soon = self._count > FAULT.errors and self._delays[0] < 1.0
                self.now += self._delays.pop(0)
                self._out_until = self.now + self.base * (2 if soon else 1)

    async def errors(self, _pod: object, _fault: Fault) -> int:
        return self._count

    async def ejected(self) -> set[str]:
        if self.now >= self._out_until:
            return set()
        self.last_ejected["victim"] = self.now
        return {"victim"}


def paced(monkeypatch: pytest.MonkeyPatch, *delays: float, lasting: float = 2 * BASE, pause: float = 0.0) -> list[str]:
    return list(driven(monkeypatch, Hosts(*delays), lasting, pause).story)


def driven(
    monkeypatch: pytest.MonkeyPatch, hosts: Any, lasting: float, pause: float, fault: Fault = FAULT, wanting: int = 0
) -> Any:
    """`wanting` is how many further ejections the trial asks for."""

    async def fail_all(*_: object) -> bool:
        hosts.story.append("all fail")
        return True

    async def no_time(seconds: float) -> None:
        hosts.now += max(seconds, 0.0)

    monkeypatch.setattr(ejection, "fail_all", fail_all)
    monkeypatch.setattr(ejection.asyncio, "sleep", no_time)
    trial: Any = SimpleNamespace(
        enough=12,
        soon=1.0,
        at_once=8,
        request=0,
        faults=lambda _hosts: ((), (fault, fault)),
        lasting=lambda _number: lasting,
        timeout=lambda _number: 9.0 + lasting,
        pause=lambda _number: pause,
        rest=lambda marks, _: 3.0 if sum(one.name == "returned" for one in marks) > 2 else 4.0,
        wanting=lambda marks, _: sum(one.name == "ejected" for one in marks) < 2 + wanting,
    )
    asyncio.run(_Pacing(trial, hosts).run())
    return hosts


def test_all_hosts_fail_while_the_second_ejection_lasts(monkeypatch: pytest.MonkeyPatch) -> None:
    assert paced(monkeypatch, 0.1, 0.1) == ["ejected", "returned", "ejected", "all fail", "returned"]


def test_an_ejection_that_is_too_short_for_that_ends_before(monkeypatch: pytest.MonkeyPatch) -> None:
    story = paced(monkeypatch, 0.1, 0.1, lasting=max_ejection.SECONDS_OF_ALL)
    assert story == ["ejected", "returned", "ejected", "returned", "all fail"]


def test_an_ejection_that_came_late_is_tried_again_with_one_before_it(monkeypatch: pytest.MonkeyPatch) -> None:
    again = ["settled", "ejected", "returned", "ejected", "all fail", "returned"]
    assert paced(monkeypatch, 0.1, 1.5, 0.1, 0.1) == ["ejected", "returned"] * 2 + again


def test_a_machine_that_is_always_late_ends_after_some_tries(monkeypatch: pytest.MonkeyPatch) -> None:
    story = paced(monkeypatch, *[1.5] * (2 + 2 * ejection.PAIRS))
    assert story.count("settled") == ejection.PAIRS
    assert story[-1] == "all fail"


@pytest.mark.parametrize(("pause", "looked"), [(0.3, 0.05), (0.3, 0.4), (0.8, 0.05), (0.0, 0.05)])
def test_the_last_error_waits_for_the_moment_that_tells_most_as_long_as_it_stays_soon(
    monkeypatch: pytest.MonkeyPatch, pause: float, looked: float
) -> None:
    class SlowLooks(Hosts):
        async def step(self) -> None:
            self.now += 0.0 if self._failing else looked - 0.05
            await super().step()

    hosts = driven(monkeypatch, SlowLooks(0.0, 0.0), 2 * BASE, pause)
    _, back, again, _ = hosts.times
    quickest = FAULT.errors * 0.05
    best = min(pause, max(0.25 - looked, 0.0))
    assert again - back == pytest.approx(max(quickest, best + 0.05), abs=0.09)


@pytest.mark.parametrize(("took", "told"), [(2.5, ["missed"]), (1.5, ["ejected", "returned"])])
def test_an_ejection_that_was_over_before_the_look_is_no_word_of_the_mesh(
    monkeypatch: pytest.MonkeyPatch, took: float, told: list[str]
) -> None:
    class Frozen(Hosts):
        """The look that is to show the first ejection takes so long."""

        async def ejected(self) -> set[str]:
            self.now += took if self._count == FAULT.errors and not self.story else 0.0
            return await super().ejected()

    hosts = driven(monkeypatch, Frozen(0.1, 0.1), BASE, 0.0)
    assert [one.name for one in hosts.marks][1 : 1 + len(told)] == told
    assert ("missed" in told) == (len(hosts.marks) == 2)


def test_a_request_that_is_refused_three_times_at_once_waits_before_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    class Refusing(Hosts):
        async def step(self) -> None:
            self._count += 2 if self._failing and self.now + 0.05 >= self._out_until else 0
            await super().step()

    hosts = driven(monkeypatch, Refusing(0.0, 0.0), 2 * BASE, 0.1, Fault(REFUSED, 3))
    _, back, again, _ = hosts.times
    assert again - back == pytest.approx(0.15, abs=0.02)


@pytest.mark.parametrize(("wanting", "driven_further"), [(0, 0), (1, 1), (2, 2), (9, 9)])
def test_what_does_not_tell_the_interval_is_seen_once_more_after_a_rest(
    monkeypatch: pytest.MonkeyPatch, wanting: int, driven_further: int
) -> None:
    hosts = driven(monkeypatch, Hosts(*[0.0] * 20), 2 * BASE, 0.0, wanting=wanting)
    assert hosts.story == [
        "ejected",
        "returned",
        "ejected",
        "all fail",
        "returned",
        *["ejected", "returned"] * driven_further,
    ]
    rests = [again - back for back, again in zip(hosts.times[3::2], hosts.times[4::2], strict=False)]
    # After two ejections in a row, and then after one each time.
    assert rests == pytest.approx([4.0, *[3.0] * 9][:driven_further], abs=0.3)


@pytest.mark.parametrize(("base", "driven_further"), [(BASE, 17), (40.0, FURTHER)])
def test_further_ejections_end_when_their_time_is_over_and_not_before_some(
    monkeypatch: pytest.MonkeyPatch, base: float, driven_further: int
) -> None:
    hosts = driven(monkeypatch, Hosts(*[0.0] * 60, base=base), 2 * base, 0.0, wanting=99)
    assert hosts.times[-1] - hosts.times[3] > FURTHER_SECONDS
    assert hosts.story.count("returned") - 2 == pytest.approx(driven_further, abs=1 if base == BASE else 0)


def test_a_rest_is_longer_by_what_the_machine_stood_still(monkeypatch: pytest.MonkeyPatch) -> None:
    class Stopped(Hosts):
        def stalls(self) -> tuple[Stall, ...]:
            back = self.times[3]
            return (Stall(back - 1.0, back - 0.5), Stall(back + 1.0, back + 1.7), Stall(back + 4.2, back + 4.3))

    hosts = driven(monkeypatch, Stopped(*[0.0] * 20), 2 * BASE, 0.0, wanting=1)
    assert hosts.times[4] - hosts.times[3] == pytest.approx(4.8, abs=0.3)
