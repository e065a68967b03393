"""How requests to slow and failing workloads end, held against what Envoy was measured to do."""

from __future__ import annotations

from dataclasses import replace
from math import inf
from typing import Any

import pytest
from meshproof.border.expectation import Retries
from meshproof.border.request import Request
from meshproof.errors import Location
from meshproof.judge.retries_timeouts.outcome import Ending, Try, endings

HERE = Location("fault.yaml", 3, 1)
NO_ANSWER = Try(0, inf)
RESET = Try(0)


def endings_of(build: Any, one: Try, **fields: Any) -> tuple[Ending, Ending]:
    return endings(build.expectation(build.arm("v1", 100), **fields), lambda _: one)


def retries(attempts: int, on: str = "", per_try: float | None = None) -> Retries:
    return Retries(attempts, per_try, on, HERE)


@pytest.mark.parametrize(
    ("fields", "number", "seconds"),
    [
        ({}, 2_000_000_001, 0.0),
        ({"timeout": 5.0}, 2_000_000_001, 0.0),
    ],
)
def test_very_many_attempts_are_counted_at_once(build: Any, fields: Any, number: int, seconds: float) -> None:
    """A loop over them would take a quarter of an hour."""
    soon, _ = endings_of(build, Try(503), retries=retries(2_000_000_000, "5xx"), **fields)
    assert (soon.status, soon.arrivals, soon.seconds) == (503, number, seconds)


@pytest.mark.parametrize(
    ("one", "rule", "ending"),
    [
        (Try(503), retries(3, "5xx"), (503, True, 4)),
        (Try(500), retries(3, "5xx"), (500, True, 4)),
        (Try(500), retries(3, "gateway-error"), (500, True, 1)),
        (Try(502), retries(1, "gateway-error"), (502, True, 2)),
        (Try(503), retries(3, "connect-failure, 503"), (503, True, 4)),
        (Try(418), retries(3, "418"), (418, True, 4)),
        (Try(420), retries(3, "420,5xx"), (420, True, 4)),
        (Try(503), retries(3, "0503"), (503, True, 4)),
        (Try(409), retries(3, "retriable-4xx"), (409, True, 4)),
        (Try(404), retries(3, "5xx,retriable-4xx"), (404, True, 1)),
        (Try(503), retries(3), (503, True, 1)),
        (Try(503), retries(0), (503, True, 1)),
        (Try(503), None, (503, True, 1)),
        (Try(200), retries(3, "5xx"), (200, True, 1)),
        (Try(200, grpc_status=14), None, (200, True, 3)),
        (Try(200, grpc_status=1), retries(3), (200, True, 4)),
        (Try(200, grpc_status=4), None, (200, True, 1)),
        (Try(200, grpc_status=14), retries(0), (200, True, 1)),
        (Try(200, grpc_status=14), retries(3, "5xx"), (200, True, 1)),
        (RESET, retries(3, "5xx"), (503, False, 4)),
        (RESET, retries(3, "reset"), (503, False, 4)),
        (RESET, retries(3, "connect-failure"), (503, False, 1)),
        (RESET, retries(3, "503"), (503, False, 1)),
        (RESET, None, (503, False, 1)),
        (NO_ANSWER, retries(2, "5xx", 0.1), (504, False, 3)),
        (NO_ANSWER, retries(2, "gateway-error", 0.1), (504, False, 3)),
        (NO_ANSWER, retries(2, "reset", 0.1), (504, False, 3)),
        (NO_ANSWER, retries(2, "504", 0.1), (504, False, 1)),
        (NO_ANSWER, retries(2, "connect-failure", 0.1), (504, False, 1)),
        (NO_ANSWER, retries(2, "5xx"), (0, False, 1)),
    ],
)
def test_retries(build: Any, one: Try, rule: Retries | None, ending: tuple[int, bool, int]) -> None:
    for found in endings_of(build, one, retries=rule):
        assert (found.status, found.by_pod, found.arrivals) == ending


def test_back_offs_lie_between_zero_and_their_doubling_bounds(build: Any) -> None:
    quick, slow = endings_of(build, Try(503), retries=retries(6, "5xx"))
    assert quick.seconds == 0
    assert slow.seconds == pytest.approx(0.025 + 0.05 + 0.1 + 0.2 + 0.25 + 0.25)
    quick, slow = endings_of(build, NO_ANSWER, retries=retries(2, "5xx", 0.1))
    assert (quick.seconds, slow.seconds) == (pytest.approx(0.3), pytest.approx(0.375))


def test_the_timeout_of_the_route_ends_all_tries(build: Any) -> None:
    assert endings_of(build, NO_ANSWER, timeout=0.25) == (Ending(504, False, 1, 0.25),) * 2
    assert endings_of(build, Try(200, 0.6), timeout=0.25) == (Ending(504, False, 1, 0.25),) * 2
    assert endings_of(build, Try(200, 0.1), timeout=0.25) == (Ending(200, True, 1, 0.1),) * 2
    assert (
        endings_of(build, NO_ANSWER, timeout=0.2, retries=retries(3, "5xx", 0.3)) == (Ending(504, False, 1, 0.2),) * 2
    )


def test_where_the_timeout_comes_between_tries_chance_decides(build: Any) -> None:
    quick, slow = endings_of(build, NO_ANSWER, timeout=0.35, retries=retries(9, "5xx", 0.1))
    assert (quick.status, slow.status, quick.seconds, slow.seconds) == (504, 504, 0.35, 0.35)
    assert (quick.arrivals, slow.arrivals) == (4, 2)


def test_a_later_try_may_succeed(build: Any) -> None:
    expectation = build.expectation(build.arm("v1", 100), retries=retries(3, "5xx"))
    quick, slow = endings(expectation, lambda number: Try(503) if number < 3 else Try(200))
    assert (quick.status, quick.arrivals, slow.status, slow.arrivals) == (200, 3, 200, 3)


@pytest.mark.parametrize("attempts", [10_000, 2_147_483_647, 10**12])
def test_very_many_tries_are_counted_at_once(build: Any, attempts: int) -> None:
    quick, slow = endings_of(build, Try(503), retries=retries(attempts, "5xx"))
    assert (quick.status, quick.arrivals, quick.seconds) == (503, attempts + 1, 0.0)
    assert (slow.status, slow.arrivals) == (503, attempts + 1)
    assert slow.seconds == pytest.approx(0.025 + 0.05 + 0.1 + 0.2 + 0.25 * (attempts - 4))


@pytest.mark.parametrize("attempts", [200, 2_147_483_647])
def test_very_many_tries_end_with_the_routes_timeout(build: Any, attempts: int) -> None:
    one = Try(503, 0.01)
    quick, slow = endings_of(build, one, retries=retries(attempts, "5xx"), timeout=1.0)
    # One by one: without pauses the hundredth ends at 1 s, with the longest the sixth begins at 0.675 s.
    assert (quick.status, quick.seconds, quick.arrivals) == (504, 1.0, 100)
    assert (slow.status, slow.seconds, slow.arrivals) == (504, 1.0, 6)


def test_a_fault_of_the_first_tries_is_not_taken_for_one_of_all(build: Any) -> None:
    expectation = build.expectation(build.arm("v1", 100), retries=retries(1000, "5xx"))
    quick, slow = endings(expectation, lambda number: Try(503) if number <= 40 else Try(200))
    assert (quick.status, quick.arrivals, slow.status, slow.arrivals) == (200, 41, 200, 41)


def test_the_rule_says_how_long_pauses_are(build: Any) -> None:
    rule = Retries(3, None, "5xx", HERE, back_off=0.5)
    assert endings_of(build, Try(503), retries=rule)[1].seconds == pytest.approx(0.5 + 1 + 2)
    assert endings_of(build, Try(503), retries=replace(rule, attempts=6))[1].seconds == pytest.approx(17.5)


GRPC = Request("POST", "helloworld", 5000, "/", (("content-type", "application/grpc"),))


def test_to_grpc_the_proxy_says_what_it_means(build: Any) -> None:
    late, lost = Ending(200, False, 1, 0.2, 14), Ending(200, False, 1, 0.0, 14)
    assert endings_of(build, NO_ANSWER, request=GRPC, timeout=0.2) == (late, late)
    assert endings_of(build, RESET, request=GRPC) == (lost, lost)
    assert endings_of(build, Try(503), request=GRPC) == (Ending(503, True, 1, 0.0),) * 2


@pytest.mark.parametrize(
    ("request_", "arrivals"),
    [
        (Request("POST", "a", 80, body=b"a" * (1 << 20)), 4),
        (Request("POST", "a", 80, body=b"a" * ((1 << 20) + 1)), 1),
        (Request("POST", "a", 80, headers=(("Expect", "100-Continue"),)), 1),
        (Request("POST", "a", 80, headers=(("expect", "another"),)), 4),
    ],
)
def test_what_is_not_sent_again(build: Any, request_: Request, arrivals: int) -> None:
    for found in endings_of(build, Try(503), request=request_, retries=retries(3, "5xx")):
        assert found.arrivals == arrivals
