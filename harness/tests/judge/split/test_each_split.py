"""Each of many requests is split as specified: what passes, what fails, and how far apart splits are told."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

import pytest
from meshproof.border.books import Books
from meshproof.border.expectation import Expectation
from meshproof.border.request import parse
from meshproof.border.verdict import Outcome, Verdict
from meshproof.errors import Location
from meshproof.judge import EachSplit, Split
from meshproof.judge.split.apart import WIDEST, apart
from meshproof.scenario import Plan

RULES = [Location("canary.yaml", line, 5) for line in (10, 20, 30)]


def probe(build, path: str, *percents: float, rule: int = 0, host: str = "helloworld", **fields: object) -> Expectation:
    arms = [build.arm(f"v{number}", percent) for number, percent in enumerate(percents, 1)]
    request = parse(f"GET http://{host}:5000{path}")
    return build.expectation(*arms, **{"request": request, "route": RULES[rule], **fields})


def driven(build, plan: Plan, true: Sequence[Sequence[float]], books: Books | None = None, **check: bool) -> Verdict:
    """The verdict when pods answer the request at each place with these shares."""
    (trial,) = EachSplit(**check).begin(plan)
    source = random.Random(1)
    while not trial.decided:
        for request, weights in enumerate(true):
            (version,) = source.choices(range(1, len(weights) + 1), weights)
            trial.observe(build.seen(f"v{version}", request=request))
    return trial.conclude(books or Books())


def test_requests_that_are_split_as_specified_pass_as_one(build) -> None:
    plan = build.plan((probe(build, "/a", 95, 5), probe(build, "/b", 95, 5), probe(build, "/c", 0, 100, rule=1)))
    verdict = driven(build, plan, [(95, 5), (95, 5), (0, 100)])
    assert (verdict.outcome, verdict.request, verdict.check) == (Outcome.PASSED, "", "Split")
    assert verdict.reason == "all 2 requests were split as their rules specify (1 rule)"
    assert [(row["request"], row["specified"], row["outcome"]) for row in verdict.evidence["table"]] == [
        (f"GET http://helloworld:5000{path}", "95 % helloworld.default/v1 and 5 % helloworld.default/v2", "passed")
        for path in ("/a", "/b")
    ]


@pytest.mark.parametrize("other", [(0, 100), (100, 0), (90, 10), (80, 20), (50, 50)])
def test_one_request_that_another_rule_takes_fails_and_names_both_rules(build, other: tuple[float, float]) -> None:
    specified = (probe(build, "/a", 95, 5), probe(build, "/b", 95, 5), probe(build, "/c", *other, rule=1))
    taken = probe(build, "/b", *other, rule=2)
    plan = replace(build.plan(specified), applied=((specified[0], taken, specified[2]),))
    verdict = driven(build, plan, [(95, 5), other, other])
    assert verdict.outcome is Outcome.FAILED
    assert verdict.reason.startswith("1 of ")
    assert "GET http://helloworld:5000/b: " in verdict.reason
    assert "specified at canary.yaml:" in verdict.reason
    assert "what is applied takes it by the rule at canary.yaml:30:5" in verdict.reason


def test_of_requests_that_the_same_other_rule_takes_one_is_named(build) -> None:
    specified = tuple(probe(build, f"/{number}", 95, 5) for number in range(4))
    applied = tuple(replace(one, route=RULES[1 + (number == 3)]) for number, one in enumerate(specified))
    verdict = driven(build, replace(build.plan(specified), applied=(applied,)), [(0, 100)] * 4)
    assert verdict.outcome is Outcome.FAILED
    assert "4 of 4 requests" in verdict.reason
    assert [path for path in range(4) if f"/{path}: " in verdict.reason] == [0, 3]
    assert verdict.reason.endswith("; and 2 more")


def test_an_answer_of_another_destination_fails_at_once(build) -> None:
    (trial,) = EachSplit().begin(build.plan((probe(build, "/a", 95, 5), probe(build, "/b", 95, 5))))
    trial.observe(build.seen("v3", request=1))
    assert trial.refuted
    assert trial.wants(1) == 0
    assert trial.wants(0) > 0
    assert trial.conclude(Books()).outcome is Outcome.FAILED


def test_too_few_answers_are_inconclusive(build) -> None:
    (trial,) = EachSplit().begin(build.plan((probe(build, "/a", 95, 5), probe(build, "/b", 95, 5))))
    trial.observe(build.seen("v1"))
    verdict = trial.conclude(Books())
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "2 of 2 requests were not decided" in verdict.reason


def test_where_nothing_is_drawn_there_is_nothing_to_judge(build) -> None:
    own = probe(build, "/a", status=404)
    assert EachSplit().begin(build.plan((probe(build, "/a", 100, 0), own))) == []


def test_destinations_that_cannot_be_told_apart_stay_undecided(build) -> None:
    arms = (build.arm("v1", 50, "default/same"), build.arm("v2", 50, "default/same"))
    one = build.expectation(*arms)
    (trial,) = EachSplit().begin(build.plan(one))
    assert trial.decided
    assert trial.conclude(Books()).outcome is Outcome.INCONCLUSIVE


def test_splits_are_told_apart_from_the_nearest_other_one_of_their_host(build) -> None:
    plan = build.plan(
        (
            probe(build, "/a", 95, 5),
            probe(build, "/b", 95, 5),
            probe(build, "/c", 90, 10, rule=1),
            probe(build, "/d", 60, 40, rule=2),
            probe(build, "/e", 50, 50, host="other"),
            probe(build, "/f", 49, 51, host="third"),
            probe(build, "/g", 50, 50, host="third"),
        )
    )
    far = WIDEST
    assert apart(plan, 0) == pytest.approx([0.05, 0.05, 0.05, far, far, 0.03, 0.03])
    drifted = replace(
        plan, applied=((*plan.stages[0][:4], probe(build, "/e", 45, 55, host="other"), *plan.stages[0][5:]),)
    )
    assert apart(drifted, 0)[4] == pytest.approx(0.05)


def test_thorough_judges_each_to_the_tolerance_of_the_run(build) -> None:
    plan = build.plan((probe(build, "/a", 50, 50), probe(build, "/b", 50, 50)))
    quick, whole = (EachSplit(thorough=thorough).begin(plan)[0].limit for thorough in (False, True))
    assert whole > 5 * quick
    assert driven(build, plan, [(50, 50), (56, 44)], thorough=True).outcome is Outcome.FAILED


def test_alpha_is_divided_among_the_drawn_shares_of_a_whole_run(build) -> None:
    plan = build.plan(probe(build, "/a", 95, 5))
    for check, evidence in ((Split(), True), (EachSplit(), False)):
        assert check.drawn(plan) == 2
        (alone,), (among,) = check.begin(plan), check.begin(replace(plan, drawn=200))
        assert among.limit > alone.limit
        if evidence:
            assert among.conclude(Books()).evidence["alpha_per_arm"] == pytest.approx(plan.precision.alpha / 200)
    assert Split().begin(replace(plan, drawn=1))[0].limit == Split().begin(plan)[0].limit
