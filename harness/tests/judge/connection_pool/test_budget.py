"""RetryBudget passes a proxy that spares its pods as specified, and fails every other."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pytest
from meshproof.border.expectation import Policy, Pool, Retries
from meshproof.border.expectation import RetryBudget as Budget
from meshproof.border.steps import AtOnce, Failing
from meshproof.border.verdict import Outcome, Verdict
from meshproof.errors import Location
from meshproof.judge import RetryBudget
from meshproof.judge.connection_pool.budget import made, steps, unproved

PLACE = Location("budget.yaml", 9, 5)
USUAL = Budget(20.0, 3, PLACE)
WORKLOAD = "default/httpbin"


def expected(build: Any, budget: Budget | None = USUAL, pool: Pool | None = None, on: str = "5xx") -> Any:
    retries = Retries(1, None, on, build.route)
    arm = replace(build.arm("v1", 100, WORKLOAD), policy=Policy(pool=pool, retry_budget=budget))
    return build.expectation(arm, retries=retries)


@pytest.mark.parametrize(
    ("percent", "least", "beside", "most"),
    [
        (20.0, 3, 0, 3),
        # As measured: the try that has just failed is among what is under way.
        (20.0, 3, 19, 4),
        (20.0, 3, 20, 5),
        (20.0, 3, 22, 5),
        (50.0, 1, 3, 3),
        (0.0, 2, 30, 2),
        (100.0, 3, 0, 40),
        # Envoy's own arithmetic: 29 hundredths of a hundred are 28.
        (29.0, 1, 71, 28),
    ],
)
def test_how_many_are_made(percent: float, least: int, beside: int, most: int) -> None:
    assert list(made(Budget(percent, least), beside, 40))[-1] == most


@pytest.mark.parametrize(
    ("budget", "found"),
    [
        (USUAL, (AtOnce(7, 503), AtOnce(9, 503, 20), AtOnce(4, 503), Failing(503))),
        (Budget(0.0, 2), (AtOnce(6, 503), AtOnce(6, 503, 1), AtOnce(3, 503), Failing(503))),
        (Budget(100.0, 1), (AtOnce(5, 503), AtOnce(59, 503, 1), AtOnce(2, 503), Failing(503))),
    ],
)
def test_the_share_is_shown_beside_as_many_as_make_it_clear(build: Any, budget: Budget, found: tuple) -> None:
    assert steps(budget, expected(build, budget)) == found


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"on": "connect-failure"}, "only where a route retries a status"),
        ({"pool": Pool(max_connections=5)}, "not told apart from the limits"),
        ({"pool": Pool(http2_max_requests=5)}, "not told apart from the limits"),
        ({"budget": Budget(1.0, 3)}, "1 % of 60 requests are not clearly more than 3 retries"),
        ({"budget": Budget(20.0, 70)}, "more than the 60 that are held at once"),
        ({"pool": Pool(max_retries=1)}, ""),
    ],
)
def test_what_is_not_shown(build: Any, fields: dict[str, Any], why: str) -> None:
    expectation = expected(build, **fields)
    budget = expectation.arms[0].policy.retry_budget
    assert why in unproved(budget, expectation)
    assert bool(steps(budget, expectation)) is not bool(why)


@dataclass
class Sparing:
    """What a proxy does: `percent` of what is under way, `least` in any case; None: retries without end."""

    percent: float | None = 20.0
    least: int = 3
    attempts: int = 1
    uncounted: int = 0

    def drive(self, bench: Any, proxy: Any, wanted: Any) -> None:
        proxy.attempts = self.attempts
        proxy.mark("pods", pods=1)
        for number, step in enumerate(wanted):
            first, got = len(proxy.observations), len(proxy.received)
            growth = proxy.take(number, step) if isinstance(step, Failing) else self.at_once(proxy, number, step)
            received = len(proxy.received) - got
            proxy.mark("step", step=number, first=first, last=len(proxy.observations), received=received, **growth)

    def at_once(self, proxy: Any, number: int, step: AtOnce) -> dict[str, int]:
        under_way = answered = 0
        for size in range(1, step.whole + 1):
            if size > step.beside:
                share = None if self.percent is None else int(self.percent / 100 * (step.beside + under_way + 1))
                allowed = share is None or under_way < max(share, self.least)
                under_way, answered = (under_way + 1, answered) if allowed else (under_way, answered + 1)
            held = min(size, step.beside) + under_way
            proxy.mark("arrived", step=number, client=0, size=size, held=held, queued=0, answered=answered)
        for _ in range(step.beside):
            proxy.one()
        for _ in range(under_way):
            proxy.one(tries=2)
        for _ in range(answered):
            proxy.answer(status=step.fails)
        return {"retry_overflow": answered - self.uncounted, "clients": 1}


def judged(build: Any, bench: Any, sparing: Sparing, **fields: Any) -> Verdict:
    (trial,) = RetryBudget().begin(build.plan(expected(build, **fields)))
    proxy = bench.Proxy()
    sparing.drive(bench, proxy, trial.steps)
    for observation in proxy.observations:
        trial.observe(observation)
    return trial.conclude(proxy.books())


@pytest.mark.parametrize(
    ("sparing", "words"),
    [
        (Sparing(), ""),
        (Sparing(None), "beside 0 requests that were held 4 of 4 retries were made and 0 were not; 3 and 1 are"),
        (Sparing(25.0), "beside 20 requests that were held 6 of 6 retries were made and 0 were not; 5 and 1 are"),
        (Sparing(15.0), "beside 20 requests that were held 3 of 4 retries were made and 1 were not; 4 and 0 are"),
        (Sparing(least=4), "4 of 4 retries were made and 0 were not; 3 and 1 are"),
        (Sparing(least=2), "2 of 3 retries were made and 1 were not; 3 and 0 are"),
        (Sparing(attempts=2), "it was tried 3 times, 2 are specified (attempts)"),
        (Sparing(uncounted=1), "4 retries were not made, the proxy counted 3"),
    ],
)
def test_retries_beside_what_is_under_way(build: Any, bench: Any, sparing: Sparing, words: str) -> None:
    verdict = judged(build, bench, sparing)
    assert verdict.outcome is (Outcome.FAILED if words else Outcome.PASSED), verdict.reason
    assert words in verdict.reason
    assert verdict.reason.endswith(" at budget.yaml:9:5")


def test_without_a_budget_nothing_is_driven_and_nothing_passes(build: Any, bench: Any) -> None:
    verdict = judged(build, bench, Sparing(), budget=None)
    assert (verdict.outcome, verdict.n) == (Outcome.INCONCLUSIVE, 0)
    assert "no retryBudget is specified" in verdict.reason
