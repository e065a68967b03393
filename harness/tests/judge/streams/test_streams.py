"""Streams holds calls of several messages to what comes of them, and to what may end them."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from meshproof.border.books import Books
from meshproof.border.expectation import Abort
from meshproof.border.observation import Observation
from meshproof.border.prescription import MESSAGES_HEADER, stream
from meshproof.border.request import parse
from meshproof.border.verdict import Outcome, Verdict
from meshproof.errors import Location, UsageError
from meshproof.judge import NoErrors, Streams
from meshproof.judge.answers.mismatch import mismatch
from meshproof.judge.streams.trial import ENOUGH

CALL = "grpc://web:80/a.B/C 'x-meshproof-stream:{}'{}"


def judged(build: Any, said: str, more: str = "", *, count: int = ENOUGH, expected: Any = None, **seen: Any) -> Verdict:
    """Of a call, by so many observations that are alike."""
    request = parse(CALL.format(said, more))
    one = build.expectation(build.arm("v1", 100), request=request, **(expected or {}))
    (trial,) = Streams().begin(build.plan(one))
    for _ in range(count):
        trial.observe(observed(build, **seen))
    return trial.conclude(Books((), {}))


def observed(build: Any, subset: str = "v1", messages: int = 3, status: int = 0, **fields: Any) -> Observation:
    said = (("grpc-status", str(status)),) if not fields.get("error") else ()
    # What a pod calls by that name counts for nothing.
    headers = (*said, (MESSAGES_HEADER, "many"), (MESSAGES_HEADER, str(messages)))
    answered = 0 if fields.get("error") else 200
    return build.seen(subset, answered, headers=headers, **{"latency": 0.25, **fields})


ENDED = {"error": "stream reset: no error", "subset": ""}
LATE = {"subset": "", "messages": 0, "status": 14}
ABORT = Abort(Fraction(1, 2), 503, Location("a.yaml", 1, 1))
LIMIT = {"expected": {"timeout": 0.4}}


@pytest.mark.parametrize(
    ("said", "given"),
    [
        ("both 3 0.1", {}),
        ("server 3 0.05", {}),
        ("client 3 0.1", {"messages": 1}),
        ("server 3 0.05", LIMIT),
        ("both 9 0.1", {**LIMIT, "messages": 9, "latency": 0.9}),
        ("server 10 0.1", {**LIMIT, **ENDED, "messages": 4, "latency": 0.41}),
        # A pod that a busy machine keeps from its head.
        ("server 10 0.1", {**LIMIT, **LATE, "latency": 0.41}),
    ],
)
def test_what_is_specified_passes(build: Any, said: str, given: dict[str, Any]) -> None:
    verdict = judged(build, said, **given)
    assert (verdict.outcome, verdict.reason[:8]) == (Outcome.PASSED, "20 calls")


@pytest.mark.parametrize(
    ("said", "given", "why"),
    [
        ("both 3 0.1", {"messages": 2}, "2 of 3 messages came"),
        ("client 3 0.1", {"messages": 3}, "3 of 1 messages came"),
        ("both 3 0.1", {"subset": "v2"}, "helloworld-v2-0 answered it"),
        ("both 3 0.1", {"status": 13}, "(grpc-status 13)"),
        ("both 3 0.2", {}, "it lasted 0.25 s, where its messages take 0.4 s"),
        ("both 9 0.1", {**LIMIT, **ENDED, "messages": 4, "latency": 0.41}, "it was ended (not answered"),
        ("both 3 0.1", {**LIMIT, **ENDED, "messages": 2, "latency": 0.29}, "it was ended (not answered"),
        ("server 3 0.05", {**ENDED, "messages": 1}, "it was ended (not answered"),
        ("server 10 0.1", {**LIMIT, **ENDED, "messages": 2, "latency": 0.21}, "after 2 messages and 0.21 s"),
        ("server 10 0.1", {**LIMIT, "messages": 10, "latency": 1.0}, "after 10 messages and 1.00 s"),
        ("server 10 0.1", {**LIMIT, **ENDED, "messages": 9, "latency": 0.41}, "9 messages came in 0.41 s"),
        (
            "server 10 0.1",
            {**LIMIT, **ENDED, "messages": 4, "latency": 0.62},
            "the quickest of 20 calls was ended",
        ),
    ],
)
def test_anything_else_fails(build: Any, said: str, given: dict[str, Any], why: str) -> None:
    verdict = judged(build, said, **given)
    assert verdict.outcome is Outcome.FAILED
    assert why in verdict.reason


@pytest.mark.parametrize(
    ("said", "given", "why"),
    [
        ("both 3 0.1", {"count": 3}, "3 calls show too little"),
        # Pods that are told of the timeout count from the call's beginning: those on a busy machine end what is late.
        ("both 3 0.1", {**LIMIT, **ENDED, "messages": 2, "latency": 0.46}, "0 calls show too little"),
        ("server 4 0.1", LIMIT, "lasts about as long (0.4 s) as its timeout"),
        (
            "both 3 0.1",
            {"expected": {"abort": ABORT}},
            "the route's abort",
        ),
    ],
)
def test_what_cannot_be_told_is_not_judged(build: Any, said: str, given: dict[str, Any], why: str) -> None:
    verdict = judged(build, said, **given)
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert why in verdict.reason


def test_a_status_that_is_asked_for_comes_after_the_messages(build: Any) -> None:
    asked = " 'x-meshproof-answer:200 0 14m'"
    assert judged(build, "server 3 0.05", asked, status=14).outcome is Outcome.PASSED
    assert judged(build, "server 3 0.05", asked).outcome is Outcome.FAILED


def test_other_requests_are_none_of_its_own(build: Any) -> None:
    (trial,) = Streams().begin(build.plan(build.expectation(build.arm("v1", 100))))
    assert "none of these requests" in trial.conclude(Books((), {})).reason
    assert stream(parse("http://web/ 'x-meshproof-stream:both 3 0'")) is None


@pytest.mark.parametrize("said", ["nobody 3 0", "both 3", "both 0 0", "both x 0", "server 3 -1", "client 3 0 0"])
def test_what_cannot_be_read_is_refused(said: str) -> None:
    with pytest.raises(UsageError, match="x-meshproof-stream"):
        stream(parse(CALL.format(said, "")))


@pytest.mark.parametrize(("latency", "specified"), [(0.41, True), (0.2, False)])
@pytest.mark.parametrize("ended", [{**ENDED, "messages": 2}, LATE])
def test_a_call_that_its_timeout_ends_is_no_error(
    build: Any, ended: dict[str, Any], latency: float, specified: bool
) -> None:
    request = parse(CALL.format("server 10 0.1", ""))
    one = build.expectation(build.arm("v1", 100), request=request, timeout=0.4)
    seen = observed(build, **ended, latency=latency)
    (trial,) = NoErrors().begin(build.plan(one))
    trial.observe(seen)
    assert trial.refuted is not specified
    assert (mismatch(one, seen, ()) == "") is specified
