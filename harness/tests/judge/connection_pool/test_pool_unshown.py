"""ConnectionPool where books disagree, and where what was driven shows nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from meshproof.border.books import Received
from meshproof.border.expectation import Abort, Pool, Retries
from meshproof.border.verdict import Outcome

from .pool_limits import BOTH, IDLE, RETRIES, retrying

# What a busy machine makes of a pause: kept and closed are both right. To the proxy a connection is idle for longer
# than to the client, by what the requests before and after it take.
UNCLEAR = [
    {"idle": 2.3, "slack": 1.2},
    {"idle": 1.994, "slack": 0.995},
    {"idle": 1.9, "slack": 0.9, "way": 0.1},
    {"idle": 2.0, "slack": 0.98, "way": 0.4},
]


@pytest.mark.parametrize("settings", UNCLEAR)
def test_a_pause_that_is_about_as_long_as_the_limit_shows_nothing(
    build: Any, bench: Any, settings: dict[str, float]
) -> None:
    verdict = bench.judged(build, IDLE, bench.Proxy(**settings))
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "the machine is too slow to let a connection rest for 1 s" in verdict.reason
    again = bench.Proxy(**settings, later=0.0)
    assert bench.judged(build, IDLE, again).outcome is Outcome.PASSED


def test_a_pause_that_is_made_again_must_be_right(build: Any, bench: Any) -> None:
    verdict = bench.judged(build, IDLE, bench.Proxy(idle=0.9, slack=0.98, way=0.4, later=0.0))
    assert verdict.outcome is Outcome.FAILED
    assert "after 1.00 s without a request 1 connections had been closed as idle" in verdict.reason


def lost(proxy: Any) -> None:
    """The pod never received a request that the client has an answer of."""
    last = proxy.marks[-1]
    proxy.received.pop()
    proxy.marks[-1] = replace(last, values={**last.values, "received": last.values["received"] - 1})


def passed_through(proxy: Any) -> None:
    """A refused request reached the pod in another's place."""
    refused = next(one for one in proxy.observations if not one.pod)
    proxy.received[-1] = replace(proxy.received[-1], id=refused.id)


def doubled(proxy: Any) -> None:
    proxy.received[-1] = replace(proxy.received[-1], id=proxy.received[-2].id)


def unknown(proxy: Any) -> None:
    """The pod received a request that nobody sent, in place of one that was answered."""
    proxy.received[-1] = replace(proxy.received[-1], id="nobody's")


def uncounted(proxy: Any) -> None:
    """The proxy counts one refusal less than its clients saw."""
    number = next(n for n, mark in enumerate(proxy.marks) if mark.values.get("pending_overflow"))
    mark = proxy.marks[number]
    proxy.marks[number] = replace(mark, values={**mark.values, "pending_overflow": mark.values["pending_overflow"] - 1})


def exceeded(proxy: Any) -> None:
    proxy.high_water = 3


def unmarked(proxy: Any) -> None:
    """A refusal that does not say that it is one."""
    number = next(n for n, one in enumerate(proxy.observations) if not one.pod)
    proxy.observations[number] = replace(proxy.observations[number], headers=())


def broken(proxy: Any) -> None:
    proxy.observations[-1] = replace(proxy.observations[-1], status=0, pod="", workload="", error="connection reset")


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lost, "requests were sent, but the pod received"),
        (passed_through, "was refused by the proxy and received by a pod all the same"),
        (doubled, "was received 2 times"),
        (unknown, "was answered by httpbin-0, which never received it"),
        (uncounted, "the proxy counted"),
        (exceeded, "httpbin-0 had 3 requests under way at once, 2 are allowed"),
        (unmarked, "answered 503 by the proxy, neither served nor refused"),
        (broken, "not answered (connection reset), neither served nor refused"),
    ],
)
def test_books_that_disagree_fail(build: Any, bench: Any, spoil: Any, words: str) -> None:
    verdict = bench.judged(build, BOTH, bench.Proxy(n=2, m=3), concurrent_users=(1, 10), spoil=spoil)
    assert verdict.outcome is Outcome.FAILED
    assert words in verdict.reason


def test_a_late_third_try_of_a_served_request_is_seen(build: Any, bench: Any) -> None:
    def again(proxy: Any) -> None:
        one: Received = proxy.received[0]
        proxy.received.append(one)

    verdict = bench.judged(build, BOTH, bench.Proxy(n=2, m=3), spoil=again)
    assert verdict.reason.startswith("request id-0-0 was received 2 times")


@pytest.mark.parametrize(
    ("pool", "fields", "words"),
    [
        (
            Pool(max_connections=2, http2_max_requests=2),
            {},
            "http2MaxRequests 2 is never reached behind maxConnections 2",
        ),
        (
            Pool(max_connections=3, http2_max_requests=2),
            {},
            "maxConnections 3 is never reached behind http2MaxRequests 2",
        ),
        (Pool(http1_max_pending_requests=3), {}, "shows only where maxConnections is limited too"),
        (Pool(connect_timeout=10.0), {}, "a connectTimeout of 10 s is longer"),
        (Pool(max_requests_per_connection=1000), {}, "maxRequestsPerConnection 1000 is more"),
        (Pool(max_connections=100, http1_max_pending_requests=1024), {}, "1124 requests at once are more"),
        (Pool(idle_timeout=30.0), {}, "an idleTimeout of 30 s is not shown"),
        (Pool(idle_timeout=0.5), {}, "an idleTimeout of 0.5 s is not shown"),
        (
            Pool(idle_timeout=2.0, max_requests_per_connection=3),
            {},
            "is not told apart from maxRequestsPerConnection 3",
        ),
        (RETRIES, {}, "maxRetries shows only where a route retries"),
        (Pool(max_retries=100), {"retries": 1}, "maxRetries 100 is more"),
        (Pool(1, None, 1, None, None, 2), {"retries": 1}, "not told apart from the other limits"),
    ],
)
def test_what_cannot_be_shown_is_inconclusive(
    build: Any, bench: Any, pool: Pool, fields: dict[str, Any], words: str
) -> None:
    more = retrying(build) if fields else {}
    proxy = bench.Proxy(
        n=pool.max_connections,
        m=pool.http1_max_pending_requests,
        r=pool.http2_max_requests,
        attempts=len(fields),
        q=pool.max_requests_per_connection if pool.idle_timeout else None,
    )
    verdict = bench.judged(build, pool, proxy, **more)
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert words in verdict.reason


def test_steps_that_were_not_driven_are_inconclusive(build: Any, bench: Any) -> None:
    verdict = bench.judged(build, BOTH, bench.Proxy(n=2, m=3, pods=3))
    assert (verdict.outcome, "3 pods share its limits" in verdict.reason) == (Outcome.INCONCLUSIVE, True)
    verdict = bench.judged(build, BOTH, bench.Proxy(n=2, m=3), spoil=lambda proxy: proxy.marks.clear())
    assert (verdict.outcome, "not driven by a barrier" in verdict.reason) == (Outcome.INCONCLUSIVE, True)
    verdict = bench.judged(build, BOTH, bench.Proxy(n=2, m=3), spoil=lambda proxy: proxy.marks.pop())
    assert verdict.outcome is Outcome.INCONCLUSIVE
    abort = Abort(1, 503, build.route)
    verdict = bench.judged(build, BOTH, bench.Proxy(n=2, m=3), abort=abort)
    assert (verdict.outcome, "the route's abort" in verdict.reason) == (Outcome.INCONCLUSIVE, True)
    tries = Retries(2, 1.0, "5xx", build.route)
    verdict = bench.judged(build, BOTH, bench.Proxy(n=2, m=3), retries=tries)
    assert (verdict.outcome, "perTryTimeout" in verdict.reason) == (Outcome.INCONCLUSIVE, True)
