"""How far limits are tried: within seconds, and thoroughly."""

from __future__ import annotations

import pytest
from meshproof.border.expectation import Pool, Retries
from meshproof.border.steps import AtOnce, Blocked, Failing, OneByOne, Rested
from meshproof.errors import Location
from meshproof.judge import ConnectionPool
from meshproof.judge.connection_pool.limits import THOROUGH, USUAL, steps, unproved


@pytest.mark.parametrize(
    ("pool", "step"),
    [
        (Pool(max_connections=200), AtOnce(204)),
        (Pool(max_connections=100, http1_max_pending_requests=100), AtOnce(204)),
        (Pool(http2_max_requests=100), AtOnce(104)),
        (Pool(connect_timeout=10.0), Blocked()),
        (Pool(max_requests_per_connection=1000), OneByOne(1000)),
        (Pool(idle_timeout=60.0), Rested(60.75)),
    ],
)
def test_large_and_long_limits_are_tried_where_it_is_thorough(build, pool: Pool, step: object) -> None:
    expectation = build.expectation(build.arm("v1", 100))
    assert step not in steps(pool, expectation, (), 0, fresh=True)
    assert unproved(pool, expectation, USUAL)
    assert step in steps(pool, expectation, (), 0, fresh=True, reach=THOROUGH)
    assert unproved(pool, expectation, THOROUGH) == ""
    quick, whole = (ConnectionPool(thorough=one).begin(build.plan(expectation))[0] for one in (False, True))
    assert quick.steps == whole.steps


@pytest.mark.parametrize(("connections", "size"), [(1, 8), (4, 8), (5, 9), (60, 64)])
def test_connections_are_limited_by_more_requests_than_there_may_be(build, connections: int, size: int) -> None:
    pool, expectation = Pool(max_connections=connections), build.expectation(build.arm("v1", 100))
    assert AtOnce(size) in steps(pool, expectation, (), 0, fresh=False)
    assert unproved(pool, expectation) == ""


def test_more_connections_than_are_tried_are_not_proved(build) -> None:
    pool, expectation = Pool(max_connections=61), build.expectation(build.arm("v1", 100))
    assert steps(pool, expectation, (), 0, fresh=False) == (AtOnce(8),)
    assert "61 requests at once are more than the 60" in unproved(pool, expectation)


@pytest.mark.parametrize(
    ("pool", "words"),
    [
        (Pool(connect_timeout=1.0), "2000000001 attempts, each with a connectTimeout of 1 s, are not waited for"),
        (Pool(max_retries=3), "retries.attempts 2000000000 are more than the 250 that are made in turn"),
    ],
)
def test_very_many_attempts_are_not_waited_for(build, pool: Pool, words: str) -> None:
    rule = Retries(2_000_000_000, None, "5xx,connect-failure", Location("a.yaml", 1, 1))
    expectation = build.expectation(build.arm("v1", 100), retries=rule)
    assert unproved(pool, expectation) == words
    slow = [one for one in steps(pool, expectation, (), 0, fresh=True) if isinstance(one, Blocked | Failing)]
    assert slow == []
