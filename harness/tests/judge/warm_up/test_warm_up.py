"""WarmUp passes pods that warm up as is specified, and fails others, by who answers after a pod came."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from meshproof.border.books import Books, Mark
from meshproof.border.expectation import Expectation, Policy
from meshproof.border.expectation import WarmUp as Rule
from meshproof.border.observation import Observation
from meshproof.border.request import Hashing, HashKey
from meshproof.border.verdict import Outcome, Verdict
from meshproof.judge import WarmUp
from meshproof.judge.warm_up.law import weight

RULE = Rule(5.0, 1.0, 10.0)
CAME = 6.0
EVEN = Rule(0.0, 1.0, 100.0)


def stages(build: Any, rule: Rule | None, **fields: Any) -> tuple[Expectation, Expectation]:
    arm = replace(build.arm("v1", 100, "default/old"), policy=Policy(warmup=rule), **fields)
    joined = replace(arm, workloads=frozenset({"default/old", "default/new"}))
    return build.expectation(arm), build.expectation(joined)


def by_turns(rule: Rule, old: int, each: float) -> list[tuple[float, bool]]:
    """Envoy's weighted turns: the pod whose turn is next is put back by its weight of that moment."""
    turns = [(1.0 + pod / 10, False) for pod in range(old)]
    turns.append((1.0 + 1 / weight(rule, 0.0), True))
    called = []
    for number in range(int(1.3 * RULE.seconds / each)):
        seconds = number * each
        turn, new = min(turns)
        turns.remove((turn, new))
        turns.append((turn + 1 / (weight(rule, seconds) if new else 1.0), new))
        called.append((seconds, new))
    return called


def judged(
    build: Any,
    runs: Rule,
    specified: Rule | None = RULE,
    *,
    old: int = 1,
    each: float = 0.003,
    push: float = 0.01,
    change: Callable[[Observation], Observation] = lambda one: one,
    **fields: Any,
) -> Verdict:
    (trial,) = WarmUp().begin(build.plan(*stages(build, specified, **fields)))
    for seconds, new in by_turns(runs, old, each):
        name = "new" if new else "old"
        who = {"workload": f"default/{name}", "pod": f"{name}-0", "stage": 1, "started": CAME + seconds}
        trial.observe(change(build.seen("v1", **who)))
    came = Mark("came", CAME, {"old": old, "new": 1, "push": push})
    return trial.conclude(Books((), {}, marks=(came,)))


@pytest.mark.parametrize("old", [1, 2, 3])
@pytest.mark.parametrize("rule", [RULE, Rule(5.0, 2.0, 10.0), Rule(5.0, 0.5, 3.0), Rule(5.0, 1.0, 60.0)])
def test_what_is_specified_passes(build: Any, rule: Rule, old: int) -> None:
    verdict = judged(build, rule, rule, old=old)
    assert (verdict.outcome, verdict.reason[:9]) == (Outcome.PASSED, "a new pod")


@pytest.mark.parametrize("old", [1, 2, 3])
@pytest.mark.parametrize(
    "rule",
    [
        EVEN,
        *(replace(RULE, seconds=seconds) for seconds in (2.5, 10.0)),
        *(replace(RULE, aggression=aggression) for aggression in (0.5, 2.0)),
        replace(RULE, minimum=40.0),
    ],
)
def test_any_other_fails(build: Any, rule: Rule, old: int) -> None:
    verdict = judged(build, rule, old=old)
    assert verdict.outcome is Outcome.FAILED
    assert "requests; about" in verdict.reason


def test_an_answer_of_nobody_fails(build: Any) -> None:
    verdict = judged(build, RULE, change=lambda one: replace(one, workload="", pod="", status=503))
    assert verdict.outcome is Outcome.FAILED
    assert verdict.reason.startswith("the proxy, with 503, answered, 0.0 s after a pod came")


@pytest.mark.parametrize(
    ("why", "given"),
    [
        ("no warmup is specified", {"specified": None}),
        ("too short to be seen", {"specified": replace(RULE, seconds=1.0)}),
        ("waits for its first request longer", {"specified": replace(RULE, minimum=0.0)}),
        ("60 s are waited", {"specified": replace(RULE, seconds=31.0)}),
        ("by a hash", {"hashed_by": Hashing((HashKey("header", "x-user"),), 2)}),
        ("too few", {"each": 0.05}),
        ("too uncertain", {"push": 0.5}),
        ("too uncertain", {"change": lambda one: replace(one, latency=0.8)}),
    ],
)
def test_what_cannot_be_told_is_not_judged(build: Any, why: str, given: dict[str, Any]) -> None:
    verdict = judged(build, RULE, **given)
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert why in verdict.reason


def test_without_a_pod_that_comes_nothing_is_judged(build: Any) -> None:
    (trial,) = WarmUp().begin(build.plan(stages(build, RULE)[0]))
    verdict = trial.conclude(Books((), {}))
    assert (verdict.outcome, "no pod comes beside others" in verdict.reason) == (Outcome.INCONCLUSIVE, True)
    (driven,) = WarmUp().begin(build.plan(*stages(build, RULE)))
    assert "not driven by a warmup load" in driven.conclude(Books((), {})).reason


def several(build: Any, *windows: tuple[Rule, float]) -> tuple[Any, list[Mark]]:
    """A trial that has seen pods come several times: warming up by a rule, with a request each so many seconds."""
    (trial,) = WarmUp().begin(build.plan(*stages(build, RULE)))
    marks, at = list[Mark](), CAME
    for number, (runs, each) in enumerate(windows):
        marks += [Mark("left", at - 1.0)] if number else []
        marks.append(Mark("came", at, {"old": 1, "new": 1, "push": 0.01}))
        for seconds, new in by_turns(runs, 1, each):
            name = "new" if new else "old"
            trial.observe(build.seen("v1", workload=f"default/{name}", pod=name, stage=1, started=at + seconds))
        at += 2 * RULE.seconds
    return trial, marks


SLOW, QUICK = 0.05, 0.003


@pytest.mark.parametrize(
    ("windows", "outcome", "wanting"),
    [
        ([(RULE, SLOW)], Outcome.INCONCLUSIVE, True),
        ([(RULE, SLOW), (RULE, SLOW)], Outcome.INCONCLUSIVE, True),
        ([(RULE, SLOW), (RULE, QUICK)], Outcome.PASSED, False),
        ([(RULE, SLOW), (EVEN, QUICK)], Outcome.FAILED, False),
        ([(EVEN, SLOW), (RULE, QUICK)], Outcome.FAILED, False),
    ],
)
def test_what_was_too_little_is_seen_when_pods_come_again_and_what_was_wrong_stays_so(
    build: Any, windows: list[tuple[Rule, float]], outcome: Outcome, wanting: bool
) -> None:
    trial, marks = several(build, *windows)
    assert trial.wanting(marks) is wanting
    verdict = trial.conclude(Books((), {}, marks=tuple(marks)))
    assert verdict.outcome is outcome
    assert ("though pods came 2 times" in verdict.reason) is (outcome is Outcome.INCONCLUSIVE and len(windows) > 1)
