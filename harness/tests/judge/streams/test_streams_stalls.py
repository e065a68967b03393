"""A machine that is late while calls of several messages are under way is blamed on no mesh, and excuses none."""

from __future__ import annotations

import random
from typing import Any

import pytest
from meshproof.border.books import Books, Stall, stalled
from meshproof.border.observation import Observation
from meshproof.border.prescription import MESSAGES_HEADER
from meshproof.border.request import parse
from meshproof.border.verdict import Outcome, Verdict
from meshproof.judge import Streams
from meshproof.judge.streams.trial import ENOUGH, MOST

CALL = "grpc://web:80/a.B/C 'x-meshproof-stream:{}'"
SERVER = "server 10 0.1"
TIMEOUT = 0.4


def begun(build: Any, said: str = SERVER) -> Any:
    one = build.expectation(build.arm("v1", 100), request=parse(CALL.format(said)), timeout=TIMEOUT)
    (trial,) = Streams().begin(build.plan(one))
    return trial


def call(build: Any, latency: float, messages: int, *, whole: bool = False, **late: float) -> Observation:
    """A call that was ended after so many messages, or went through as a `whole`."""
    came = (MESSAGES_HEADER, str(messages))
    if whole:
        return build.seen("v1", 200, headers=(("grpc-status", "0"), came), latency=latency, **late)  # type: ignore[no-any-return]
    return build.seen("", 0, headers=(came,), error="stream reset: no error", latency=latency, **late)  # type: ignore[no-any-return]


def driven(build: Any, one: Observation, said: str = SERVER) -> Verdict:
    """Calls that are all alike, as long as more are wanted."""
    trial = begun(build, said)
    while not trial.decided:
        trial.observe(one)
    return trial.conclude(Books())  # type: ignore[no-any-return]


@pytest.mark.parametrize("late", [{"stalled": 0.3}, {"waited": 0.3}])
def test_calls_that_end_in_time_show_it_however_late_the_machine_was(build: Any, late: dict[str, float]) -> None:
    verdict = driven(build, call(build, 0.42, 4, **late))
    assert (verdict.outcome, verdict.n) == (Outcome.PASSED, ENOUGH)


@pytest.mark.parametrize(
    ("latency", "messages", "whole", "why"),
    [
        (0.21, 2, False, "it was ended"),
        (1.31, 8, False, "the quickest of 200 calls was ended after 1.31 s: this machine was late by 500 ms"),
        (1.02, 10, True, "it was answered"),
        (0.41, 10, False, "10 messages came in 0.41 s"),
    ],
)
def test_what_half_a_second_does_not_explain_fails(
    build: Any, latency: float, messages: int, whole: bool, why: str
) -> None:
    verdict = driven(build, call(build, latency, messages, whole=whole, stalled=0.5))
    assert verdict.outcome is Outcome.FAILED
    assert why in verdict.reason


@pytest.mark.parametrize(
    ("said", "latency", "messages", "whole", "why"),
    [
        # By whose lateness it was ended so late, or not at all, is not known.
        (SERVER, 0.8, 8, False, "the quickest of 200 calls was ended after 0.80 s: this machine was late by 600 ms"),
        (SERVER, 1.02, 10, True, "0 calls show too little, and 200 more may have ended as they did for that alone"),
        # More messages than fit into the time, but for what both clocks lost.
        (SERVER, 0.41, 6, False, "0 calls show too little"),
        # What is sent in time is not ended, and these were not.
        ("server 2 0.05", 0.41, 1, False, "0 calls show too little"),
        ("client 3 0.1", 0.61, 0, False, "0 calls show too little"),
        ("both 9 0.1", 0.75, 9, True, "0 calls show too little"),
    ],
)
def test_what_lateness_explains_is_driven_again_and_passes_for_nothing(
    build: Any, said: str, latency: float, messages: int, whole: bool, why: str
) -> None:
    trial, one = begun(build, said), call(build, latency, messages, whole=whole, stalled=0.6)
    for _ in range(MOST):
        assert not trial.decided
        trial.observe(one)
    assert trial.decided
    verdict = trial.conclude(Books())
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert why in verdict.reason
    assert "late by 600 ms" in verdict.reason


def test_one_call_that_met_no_stall_tells_what_the_others_do_not(build: Any) -> None:
    trial = begun(build)
    for _ in range(ENOUGH):
        trial.observe(call(build, 0.8, 8, stalled=0.6))
    assert not trial.decided
    trial.observe(call(build, 0.41, 4))
    assert trial.decided
    assert trial.conclude(Books()).outcome is Outcome.PASSED


@pytest.mark.parametrize("timeout", [0.4, 0.2, 0.8, 9.0])
def test_by_a_machine_that_stops_for_half_a_second_now_and_then(build: Any, timeout: float) -> None:
    """The specified timeout passes each time, and any other one fails."""
    for seed in range(40):
        draw = random.Random(seed)
        trial = begun(build)
        while not trial.decided:
            trial.observe(made(build, draw, timeout))
        wanted = Outcome.PASSED if timeout == TIMEOUT else Outcome.FAILED
        verdict = trial.conclude(Books())
        assert verdict.outcome is wanted, verdict.reason


def made(build: Any, draw: random.Random, timeout: float) -> Observation:
    """A call by a proxy with this timeout, on a machine that stands still for a quarter of the time."""
    first = draw.uniform(-0.5, 1.5)
    stalls = [Stall(first + 2.0 * number, first + 2.0 * number + 0.5) for number in range(-1, 3)]

    def runs(at: float) -> float:
        return next((one.end for one in stalls if one.start <= at < one.end), at)

    start = runs(0.0)
    whole = timeout > 1.0
    ended = runs(runs(start) + min(timeout, 1.0))
    latency = ended - start + draw.uniform(0.0, 0.01)
    messages = 10 if whole else int((latency - 0.005) / 0.1)
    return call(build, latency, messages, whole=whole, stalled=stalled(stalls, start, start + latency))


UNANSWERED = {"error": "no answer within 5 s", "subset": "", "status": 0}


@pytest.mark.parametrize(
    ("said", "late", "outcome"),
    [
        # Nine messages that are each late by as much.
        ("client 9 0.1", 0.5, Outcome.INCONCLUSIVE),
        ("client 9 0.1", 0.4, Outcome.FAILED),
        # One timer, that is late once.
        (SERVER, 0.5, Outcome.FAILED),
        (SERVER, 4.7, Outcome.INCONCLUSIVE),
    ],
)
def test_a_call_that_is_never_answered_is_judged_unless_each_message_may_have_been_so_late(
    build: Any, said: str, late: float, outcome: Outcome
) -> None:
    one = build.seen(**UNANSWERED, headers=((MESSAGES_HEADER, "1"),), latency=5.05, stalled=late)
    assert driven(build, one, said).outcome is outcome
