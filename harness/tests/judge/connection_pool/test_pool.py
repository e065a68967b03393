"""ConnectionPool passes a proxy that limits as specified, and fails every other."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from meshproof.border.expectation import Pool
from meshproof.border.verdict import Outcome

from .pool_limits import BOTH, IDLE, RETRIES, retrying

USE = Pool(max_requests_per_connection=3)
REQUESTS = Pool(http2_max_requests=2)


CONNECT = Pool(connect_timeout=0.5)


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
