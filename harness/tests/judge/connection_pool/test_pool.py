"""ConnectionPool passes a proxy that limits as specified, and fails every other."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from meshproof.border.books import Received
from meshproof.border.expectation import Abort, Pool, Retries
from meshproof.border.verdict import Outcome

BOTH = Pool(max_connections=2, http1_max_pending_requests=3)
USE = Pool(max_requests_per_connection=3)
REQUESTS = Pool(http2_max_requests=2)
RETRIES = Pool(max_retries=2)
CONNECT = Pool(connect_timeout=0.5)
IDLE = Pool(idle_timeout=2.0)


def retrying(build: Any) -> dict[str, Any]:
    return {"retries": Retries(1, None, "5xx", build.route)}


@pytest.mark.parametrize(
    ("pool", "settings"),
    [
        (BOTH, {"n": 2, "m": 3}),
        (Pool(1, None, 1, None, 1), {"n": 1, "m": 1, "q": 1}),
        (USE, {"q": 3}),
        (Pool(max_requests_per_connection=1), {"q": 1}),
        (REQUESTS, {"r": 2}),
        (Pool(), {}),
        (None, {}),
        (Pool(max_connections=2), {"n": 2}),
        (IDLE, {"idle": 2.0}),
        (Pool(1, None, 1, idle_timeout=2.0), {"n": 1, "m": 1, "idle": 2.0}),
    ],
)
def test_a_proxy_that_limits_as_specified_passes(build: Any, bench: Any, pool: Pool, settings: dict[str, int]) -> None:
    verdict = bench.judged(build, pool, bench.Proxy(**settings), concurrent_users=(1, 2, 10))
    assert verdict.outcome is Outcome.PASSED, verdict.reason
    assert (verdict.alpha, verdict.tolerance) == (None, None)
    assert verdict.n > 100


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


@pytest.mark.parametrize("clients", [2, 4])
def test_each_of_several_clients_has_the_limits_for_itself(build: Any, bench: Any, clients: int) -> None:
    verdict = bench.judged(build, BOTH, bench.Proxy(n=2, m=3, clients=clients))
    assert verdict.outcome is Outcome.PASSED, verdict.reason
    assert f"of 9 requests at once from each of {clients} clients {2 * clients} reached the pod" in verdict.reason
    verdict = bench.judged(build, BOTH, bench.Proxy(n=2, m=3, clients=clients, apart=False))
    assert verdict.outcome is Outcome.FAILED
    assert "of 1 requests at once beside the 9 of 1 other client 2 reached the pod, 3 waited and" in verdict.reason


def test_the_limits_of_a_gateway_are_not_those_of_each_client(build: Any, bench: Any) -> None:
    entered = replace(build.expectation(build.arm("v1", 100)).request, gateway="default/entry")
    verdict = bench.judged(build, BOTH, bench.Proxy(n=2, m=3, clients=2), request=entered)
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "2 clients share the proxy of a gateway" in verdict.reason


@pytest.mark.parametrize(
    ("pool", "settings", "words"),
    [
        (BOTH, {"n": 3, "m": 3}, "of 3 requests at once 3 reached the pod, 0 waited and 0 were refused; 2, 1 and 0"),
        (BOTH, {"n": 20, "m": 3}, "of 3 requests at once 3 reached the pod"),
        (BOTH, {"m": 3}, "of 3 requests at once 3 reached the pod"),
        (BOTH, {"n": 1, "m": 3}, "of 2 requests at once 1 reached the pod, 1 waited and 0 were refused; 2, 0 and 0"),
        (BOTH, {"n": 2, "m": 4}, "of 6 requests at once 2 reached the pod, 4 waited and 0 were refused; 2, 3 and 1"),
        (BOTH, {"n": 2, "m": 2}, "of 5 requests at once 2 reached the pod, 2 waited and 1 were refused; 2, 3 and 0"),
        (BOTH, {"n": 2}, "of 6 requests at once 2 reached the pod, 4 waited"),
        (BOTH, {"n": 2, "m": 3, "q": 1}, "connections were opened for requests 1 to 20 in turn, 1 is specified"),
        (BOTH, {}, "of 3 requests at once 3 reached the pod"),
        (REQUESTS, {"r": 3}, "of 3 requests at once 3 reached the pod, 0 waited and 0 were refused; 2, 0 and 1"),
        (REQUESTS, {}, "of 3 requests at once 3 reached the pod"),
        (USE, {"q": 4}, "0 connections were opened for request 4 in turn, 1 is specified"),
        (USE, {"q": 2}, "2 connections were opened for requests 1 to 3 in turn, 1 is specified"),
        (USE, {}, "0 connections were opened for request 4 in turn, 1 is specified"),
        (Pool(), {"n": 7}, "of 8 requests at once 7 reached the pod"),
        (IDLE, {}, "after 2.76 s without a request 0 connections had been closed as idle and 0 were opened; 1 and 1"),
        (IDLE, {"idle": 3.0}, "after 2.76 s without a request 0 connections had been closed as idle"),
        (IDLE, {"idle": 1.0}, "after 1.01 s without a request 1 connections had been closed as idle and 1 were opened"),
    ],
)
def test_any_other_limit_fails(build: Any, bench: Any, pool: Pool, settings: dict[str, int], words: str) -> None:
    verdict = bench.judged(build, pool, bench.Proxy(**settings))
    assert verdict.outcome is Outcome.FAILED
    assert words in verdict.reason
    assert verdict.reason.endswith(" at pool.yaml:9:7")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"retries": 2, "attempts": 1}, ""),
        ({"retries": 3, "attempts": 1}, "of 3 retries at once 3 were made and 0 were not; 2 and 1 are specified"),
        ({"retries": 1, "attempts": 1}, "of 2 retries at once 1 were made and 1 were not; 2 and 0 are specified"),
        ({"attempts": 1}, "of 3 retries at once 3 were made"),
        ({"retries": 2, "attempts": 2}, "it was tried 3 times, 2 are specified (attempts)"),
        ({"retries": 2, "attempts": 0}, "it was tried 1 time, 2 are specified (attempts)"),
    ],
)
def test_retries_at_once(build: Any, bench: Any, settings: dict[str, int], words: str) -> None:
    verdict = bench.judged(build, RETRIES, bench.Proxy(**settings), **retrying(build))
    assert verdict.outcome is (Outcome.FAILED if words else Outcome.PASSED)
    assert words in verdict.reason


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.5, ""),
        (1.5, "given up after 4.54 s; 3 attempts of 0.5 s take 1.5 s to 2.10 s"),
        (0.17, "given up after 0.55 s"),
        (10.0, "given up after 30.04 s"),
    ],
)
def test_the_time_to_connect(build: Any, bench: Any, seconds: float, words: str) -> None:
    verdict = bench.judged(build, CONNECT, bench.Proxy(connect=seconds))
    assert verdict.outcome is (Outcome.FAILED if words else Outcome.PASSED)
    assert words in verdict.reason


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


def test_users_below_the_limits_are_never_refused(build: Any, bench: Any) -> None:
    def refuse(proxy: Any) -> None:
        last = proxy.marks[-1]
        count = int(last.values["received"])
        proxy.observations[-1] = replace(
            proxy.observations[-1], status=503, pod="", workload="", headers=(("x-envoy-overloaded", "true"),)
        )
        proxy.received.pop()
        refused = last.values["pending_overflow"] + 1
        proxy.marks[-1] = replace(last, values={**last.values, "received": count - 1, "pending_overflow": refused})

    verdict = bench.judged(build, BOTH, bench.Proxy(n=2, m=3), concurrent_users=(3,), spoil=refuse)
    assert verdict.reason.startswith("1 of 30 requests of 3 users were refused below the limits")
    # A fourth user may find three requests that wait for their connections to open, and is then rightly refused.
    assert (
        bench.judged(build, BOTH, bench.Proxy(n=2, m=3), concurrent_users=(4,), spoil=refuse).outcome is Outcome.PASSED
    )


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


def test_each_stage_is_judged_by_its_own_limits(build: Any, bench: Any) -> None:
    from meshproof.border.books import Books
    from meshproof.judge import ConnectionPool

    pools = (Pool(1, None, 1), Pool(2, None, 1))
    trials = ConnectionPool().begin(build.plan(*(bench.expectation(build, pool) for pool in pools)))
    for wrong, outcome in ((False, Outcome.PASSED), (True, Outcome.FAILED)):
        proxies = [bench.Proxy(n=1, m=1), bench.Proxy(n=1 if wrong else 2, m=1, stage=1)]
        for trial, proxy in zip(trials, proxies, strict=True):
            proxy.drive(trial.steps)
            trial._seen.clear()
            for observation in proxy.observations:
                trial.observe(observation)
        marks = tuple(mark for proxy in proxies for mark in proxy.marks)
        book = replace(proxies[1].books().pods[0], requests=tuple(proxies[0].received + proxies[1].received))
        verdicts = [trial.conclude(Books((book,), {}, marks)) for trial in trials]
        assert [verdict.outcome for verdict in verdicts] == [Outcome.PASSED, outcome], verdicts[1].reason
        assert [verdict.stage for verdict in verdicts] == [0, 1]
