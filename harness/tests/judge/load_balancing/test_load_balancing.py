"""LoadBalancing passes the balancer that is specified, and fails every other, by what a busy pod gets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from meshproof.border.books import Books
from meshproof.border.expectation import Delay, Policy, Retries
from meshproof.border.verdict import Outcome, Verdict
from meshproof.errors import Location
from meshproof.judge import LoadBalancing
from meshproof.judge.load_balancing.laws import named, out_of_turn, turns

LEAST, RANDOM, TURN = "LEAST_REQUEST", "RANDOM", "ROUND_ROBIN"
MOST = 3000
PLACE = Location("routes.yaml", 9, 5)


def least(draw: Random, pods: int, number: int) -> bool:
    return draw.randrange(pods) == 0 and draw.randrange(pods) == 0


def random(draw: Random, pods: int, number: int) -> bool:
    return draw.randrange(pods) == 0


def in_turn(draw: Random, pods: int, number: int) -> bool:
    return number % pods == 0


def never(draw: Random, pods: int, number: int) -> bool:
    return False


Balancer = Callable[[Random, int, int], bool]


def judged(build: Any, specified: str, runs: Balancer, pods: int = 3, seed: int = 1, **fields: Any) -> Verdict:
    arm = replace(build.arm("v1", 100, "default/quotes"), policy=Policy(specified))
    (trial,) = LoadBalancing().begin(build.plan(build.expectation(arm, **fields)))
    draw = Random(seed)
    if trial.among(pods):
        for number in range(1, MOST):
            if trial.enough:
                break
            trial.chose(runs(draw, pods, number))
    return trial.conclude(Books((), {}))


@pytest.mark.parametrize("pods", [2, 3, 5])
@pytest.mark.parametrize(
    ("specified", "runs"),
    [(LEAST, least), ("UNSPECIFIED", least), (RANDOM, random), (TURN, in_turn)],
)
def test_what_is_specified_passes(build: Any, specified: str, runs: Balancer, pods: int) -> None:
    verdicts = [judged(build, specified, runs, pods, seed) for seed in range(40)]
    assert [one.reason for one in verdicts if one.outcome is not Outcome.PASSED] == []
    assert all(one.n < 700 for one in verdicts)


@pytest.mark.parametrize("pods", [2, 3, 5])
@pytest.mark.parametrize(
    ("specified", "runs"),
    [
        *((LEAST, one) for one in (random, in_turn, never)),
        *((RANDOM, one) for one in (least, in_turn, never)),
        *((TURN, one) for one in (least, random, never)),
    ],
)
def test_any_other_fails(build: Any, specified: str, runs: Balancer, pods: int) -> None:
    verdicts = [judged(build, specified, runs, pods, seed) for seed in range(40)]
    assert [one.reason for one in verdicts if one.outcome is not Outcome.FAILED] == []


@pytest.mark.parametrize(
    ("specified", "fields", "pods", "why"),
    [
        ("CONSISTENT_HASH", {}, 3, "how CONSISTENT_HASH chooses is not judged so"),
        (LEAST, {}, 1, "of 1 pod none is chosen"),
        (LEAST, {}, 0, "of 0 pods none is chosen"),
        (LEAST, {"timeout": 1.0}, 3, "the route's timeout ends requests"),
        (LEAST, {"retries": Retries(2, 1.0, "5xx", PLACE)}, 3, "the route's perTryTimeout ends requests"),
        (LEAST, {"delay": Delay(1, 2.0, None)}, 3, "the route's delay ends requests"),
    ],
)
def test_what_is_not_judged(build: Any, specified: str, fields: dict[str, Any], pods: int, why: str) -> None:
    verdict = judged(build, specified, least, pods, **fields)
    assert (verdict.outcome, why in verdict.reason) == (Outcome.INCONCLUSIVE, True)


def test_a_load_that_keeps_no_pod_busy_passes_nothing(build: Any) -> None:
    arm = replace(build.arm("v1", 100, "default/quotes"), policy=Policy(LEAST))
    (trial,) = LoadBalancing().begin(build.plan(build.expectation(arm)))
    assert trial.conclude(Books((), {})).outcome is Outcome.INCONCLUSIVE


def test_by_turn_is_told_from_drawn_by_chance() -> None:
    assert not out_of_turn([False, False, True, False, False, True, False], 3)
    assert out_of_turn([False, True], 3)
    assert out_of_turn([False, False, False], 3)
    # Ten draws of two pods are by turn once in a thousand times.
    assert turns(0.001, 2) == 10
    assert [named(one) for one in ("UNSPECIFIED", "PASSTHROUGH")] == [LEAST, ""]
