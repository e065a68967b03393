"""What a busy machine let rest, or held, for too long does so again, and not without end."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from meshproof.border.observation import Observation
from meshproof.border.steps import AtOnce, OneByOne, Rested
from meshproof.run.pacing import barrier
from meshproof.run.pacing.barrier import TRIES, _Pacing, _stage


@pytest.mark.parametrize(("shows", "taken"), [([True], 1), ([False, True], 2), ([False] * 9, TRIES)])
def test_a_step_is_taken_until_it_shows_something(
    monkeypatch: pytest.MonkeyPatch, shows: list[bool], taken: int
) -> None:
    answers, steps = iter(shows), list[int]()

    async def take(_self: _Pacing, number: int, _step: object) -> bool:
        steps.append(number)
        return next(answers)

    monkeypatch.setattr(_Pacing, "take", take)
    traffic: Any = SimpleNamespace(
        mark=lambda *_, **__: None,
        live=SimpleNamespace(pods=lambda _: [None]),
        generator=SimpleNamespace(only_client=lambda _: None),
    )
    trial: Any = SimpleNamespace(workloads=["a/b"], steps=[OneByOne(1)])
    asyncio.run(_stage(traffic, 0, 0, trial))
    assert steps == [0] * taken


@pytest.mark.parametrize(("late", "latency", "shows"), [(0.0, 0.01, True), (1.2, 0.01, False), (0.7, 0.2, False)])
def test_a_rest_counts_with_what_the_requests_beside_it_took(
    monkeypatch: pytest.MonkeyPatch, late: float, latency: float, shows: bool
) -> None:
    marks: list[dict[str, float]] = []
    last = Observation("a", 0, 0, 5.0, latency, 200, "pod")

    async def nothing(*_: object, **__: object) -> Any:
        return SimpleNamespace(received=0)

    async def step(_request: int) -> Observation:
        return Observation("b", 0, 0, 5.0 + latency + 1.0 + late, latency, 200, "pod")

    async def counters() -> dict[str, int]:
        return {}

    traffic: Any = SimpleNamespace(
        prepared=SimpleNamespace(load=SimpleNamespace(users=1, clients=1)),
        generator=SimpleNamespace(only_client=lambda _: None),
        feed=SimpleNamespace(last=last, seen=[1]),
        live=SimpleNamespace(at_rest=nothing, counters=counters),
        now=0.0,
        stalls=lambda: (),
        step=step,
        mark=lambda _, **values: marks.append(values),
    )
    monkeypatch.setattr(barrier.asyncio, "sleep", nothing)
    pacing = _Pacing(traffic, SimpleNamespace(books=nothing), 0, 0)  # type: ignore[arg-type]
    assert asyncio.run(pacing.take(3, Rested(1.0, 1.99))) is shows
    (mark,) = marks
    assert mark["rested"] == pytest.approx(1.0 + late)
    assert mark["on_the_way"] == pytest.approx(2 * latency)


@pytest.mark.parametrize(("held", "shows"), [(0.5, True), (25.0, False)])
def test_what_was_held_for_longer_than_clients_wait_shows_nothing(
    monkeypatch: pytest.MonkeyPatch, held: float, shows: bool
) -> None:
    marks: list[dict[str, float]] = []

    async def nothing(*_: object, **__: object) -> Any:
        return SimpleNamespace(received=0)

    async def counters() -> dict[str, int]:
        return {}

    async def at_once(*_: object) -> float:
        return held

    traffic: Any = SimpleNamespace(
        prepared=SimpleNamespace(load=SimpleNamespace(users=3, clients=1)),
        generator=SimpleNamespace(only_client=lambda _: None, patience=20.0),
        feed=SimpleNamespace(seen=[1]),
        live=SimpleNamespace(at_rest=nothing, counters=counters),
        now=0.0,
        stalls=lambda: (),
        mark=lambda _, **values: marks.append(values),
    )
    pacing = _Pacing(traffic, SimpleNamespace(books=nothing), 0, 0)  # type: ignore[arg-type]
    monkeypatch.setattr(_Pacing, "_at_once", at_once)
    assert asyncio.run(pacing.take(3, AtOnce(3))) is shows
    assert [one["held_for"] for one in marks] == [held]
