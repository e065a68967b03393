"""Shares of localities, and who takes over for whom: what passes, what fails, what says nothing."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import cycle, islice

import pytest
from meshproof.border.books import Books, Mark
from meshproof.border.expectation import Arm, Ejection, Expectation, Localities, LocalityShare, Policy
from meshproof.border.observation import Observation
from meshproof.border.request import parse
from meshproof.border.verdict import Outcome, Precision, Verdict
from meshproof.errors import Location
from meshproof.judge import LocalityDistribution, LocalityFailover
from meshproof.scenario import Plan

HERE = Location("rule.yaml", 9, 7)
NEAR, NEXT, FAR = (frozenset({f"default/{name}"}) for name in ("near", "next", "far"))
SHARES = tuple(
    LocalityShare(name, Fraction(percent, 100), keys)
    for name, percent, keys in (("a/1", 70, NEAR), ("a/2", 20, NEXT), ("b", 10, FAR))
)
RULE = Ejection(consecutive_5xx_errors=2, interval=1.0, base_ejection_time=4.0, max_ejection_percent=100)


def plan(localities: Localities, rule: Ejection | None = None) -> Plan:
    workloads = frozenset[str]().union(*localities.levels)
    arm = Arm("web.default", Fraction(1), workloads, HERE, policy=Policy(ejection=rule), localities=localities)
    return Plan("shop", ((Expectation(parse("GET http://web/"), (arm,)),),), Precision())


def seen(name: str, at: float = 0.0) -> Observation:
    pod, workload = (f"{name}-0", f"default/{name}") if name else ("", "")
    return Observation("id", 0, 0, at, 0.001, 200 if name else 503, pod, workload)


def shared(answers: Sequence[str]) -> Verdict:
    (trial,) = LocalityDistribution().begin(plan(Localities((NEAR | NEXT | FAR,), SHARES, location=HERE)))
    for name in islice(cycle(answers), trial.limit):
        if trial.decided:
            break
        trial.observe(seen(name))
    return trial.conclude(Books())


def test_localities_that_are_taken_in_turn_by_their_weights_pass() -> None:
    verdict = shared(["near"] * 7 + ["next"] * 2 + ["far"])
    assert (verdict.outcome, next(one.count for one in verdict.arms) > 500) == (Outcome.PASSED, True)


@pytest.mark.parametrize(
    "answers",
    [["near"], ["near", "next", "far"], ["near"] * 13 + ["next"] * 5 + ["far"] * 2],
    ids=["all near", "alike", "five points off"],
)
def test_another_share_fails_with_its_place(answers: list[str]) -> None:
    verdict = shared(answers)
    assert verdict.outcome is Outcome.FAILED
    assert "is to get 70.0 % a/1, 20.0 % a/2 and 10.0 % b, and got" in verdict.reason
    assert "rule.yaml:9:7" in verdict.reason


def test_what_the_proxy_answers_belongs_to_no_locality() -> None:
    assert shared(["near"] * 7 + ["next"] * 2 + ["far", ""]).outcome is Outcome.PASSED


def failed_over(marks: Sequence[Mark], answers: Sequence[Observation], rule: Ejection | None = RULE) -> Verdict:
    (trial,) = LocalityFailover(exactly=False).begin(plan(Localities((NEAR, NEXT, FAR), location=HERE), rule))
    for one in answers:
        trial.observe(one)
    return trial.conclude(Books(marks=tuple(marks)))


def turn(level: int, at: float) -> Mark:
    return Mark("turn", at + 0.5, {"level": level, "since": at, "until": at + 0.5})


TURNS = [turn(0, 0.0), turn(1, 1.0), turn(2, 2.0), turn(0, 3.0)]
RIGHT = [seen("near", 0.1), seen("", 0.8), seen("next", 1.1), seen("far", 2.1), seen("near", 3.1)]


def test_each_place_in_its_turn_and_the_first_again_passes() -> None:
    verdict = failed_over(TURNS, RIGHT)
    assert verdict.outcome is Outcome.PASSED
    assert "default/near, then default/next, then default/far answered" in verdict.reason
    assert "localityLbSetting at rule.yaml:9:7" in verdict.reason


@pytest.mark.parametrize(
    ("extra", "why"),
    [
        (seen("far", 1.2), "while it was the turn of default/next, far-0 answered"),
        (seen("next", 3.2), "while it was the turn of default/near, next-0 answered"),
        (seen("", 2.2), "while it was the turn of default/far, the proxy, with 503, answered"),
    ],
)
def test_one_answer_out_of_turn_fails_it(extra: Observation, why: str) -> None:
    verdict = failed_over(TURNS, [*RIGHT, extra])
    assert (verdict.outcome, why in verdict.reason) == (Outcome.FAILED, True)


def test_pods_that_nothing_ejects_fail_it() -> None:
    verdict = failed_over([TURNS[0], Mark("stayed", 0.9, {"level": 0, "errors": 48})], RIGHT[:1])
    assert (verdict.outcome, "did not eject them all" in verdict.reason) == (Outcome.FAILED, True)


@pytest.mark.parametrize(
    ("mark", "why"),
    [
        (Mark("kept", 12.0, {"level": 0, "seconds": 8.1}), "where the first ejection lasts 4 s"),
        (Mark("early", 3.0, {"level": 1, "seconds": 1.9}), "a pod was back 1.9 s after it began to fail"),
        (Mark("ejected", 1.0, {"level": 0, "errors": 1, "most": 2, "needed": 2}), "1 errors in a row ejected a pod"),
        (Mark("ejected", 1.0, {"level": 0, "errors": 2, "most": 5, "needed": 2}), "5 errors in a row ejected a pod"),
    ],
)
def test_ejections_that_the_rule_does_not_make_fail_it(mark: Mark, why: str) -> None:
    verdict = failed_over([*TURNS, mark], RIGHT)
    assert (verdict.outcome, why in verdict.reason) == (Outcome.FAILED, True)


@pytest.mark.parametrize(
    ("marks", "why"),
    [
        ([], "it was not driven by a failover load"),
        ([TURNS[0], Mark("capped", 0.9, {"level": 0})], "maxEjectionPercent does not let all pods of default/near"),
        ([TURNS[0], Mark("unsteady", 30.0, {"level": 0})], "the machine is too slow"),
    ],
)
def test_what_was_not_seen_is_not_decided(marks: list[Mark], why: str) -> None:
    verdict = failed_over(marks, RIGHT)
    assert (verdict.outcome, why in verdict.reason) == (Outcome.INCONCLUSIVE, True)


def test_without_ejections_or_with_long_ones_nothing_is_driven() -> None:
    for rule, why in ((None, "no place is to take over"), (Ejection(base_ejection_time=300.0), "longer than the 60 s")):
        (trial,) = LocalityFailover().begin(plan(Localities((NEAR, NEXT)), rule))
        assert trial.levels == []  # type: ignore[attr-defined]
        assert why in trial.conclude(Books()).reason


def test_a_return_that_was_wrong_fails_however_slow_the_machine_was() -> None:
    early = Mark("returned", 3.0, {"sent": 1.0, "seen": 1.1, "still": 2.9, "times": 1})
    verdict = failed_over([TURNS[0], early, Mark("unsteady", 30.0, {"level": 0})], RIGHT[:1])
    assert verdict.outcome is Outcome.FAILED
    assert "the first ejection lasted 2.00 s at most" in verdict.reason


@pytest.mark.parametrize(
    ("width", "took", "outcome", "words"),
    [
        (0.1, 0.02, Outcome.PASSED, "the first again when back (localityLbSetting"),
        (0.3, 0.4, Outcome.INCONCLUSIVE, "too inexactly to tell an interval of 1 s from one of 0.333 s"),
        (1.9, 0.02, Outcome.INCONCLUSIVE, "too inexactly to tell an interval of 1 s from one of 3 s"),
    ],
)
def test_another_interval_is_ruled_out_as_far_as_looks_tell_it(
    width: float, took: float, outcome: Outcome, words: str
) -> None:
    """The second ejection is made 2.2 s after a return: it ends just after a tick of three times the interval."""
    marks = [*TURNS]
    for sent, back in ((4.0, 9.0), (11.2, 16.0)):
        times = {"sent": sent, "seen": sent + took, "still": back - width / 2, "times": 1}
        marks.append(Mark("returned", back + width / 2, times))
    (trial,) = LocalityFailover().begin(plan(Localities((NEAR, NEXT, FAR), location=HERE), RULE))
    for one in RIGHT:
        trial.observe(one)
    verdict = trial.conclude(Books(marks=tuple(marks)))
    assert (verdict.outcome, words in verdict.reason) == (outcome, True), verdict.reason
