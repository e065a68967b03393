"""Each check that fails names the applied rule that took the request beside the specified one."""

from __future__ import annotations

from dataclasses import replace

import pytest
from meshproof.border.books import Books
from meshproof.border.verdict import Outcome
from meshproof.errors import Location
from meshproof.judge import NoErrors, Split
from meshproof.scenario import Check

APPLIED = Location("applied.yaml", 9, 3)
TAKEN = "what is applied takes it by the rule at applied.yaml:9:3"


@pytest.mark.parametrize(
    ("check", "arms", "status", "seen"),
    [
        (Split(), [("v1", 100)], 0, {"subset": "v2"}),
        (Split(), [("v1", 90), ("v2", 10)], 0, {"subset": "v3"}),
        (Split(), [], 404, {"subset": "v1"}),
        (NoErrors(), [("v1", 100)], 0, {"status": 503}),
    ],
)
def test_the_applied_rule_is_named(build, check: Check, arms, status: int, seen: dict[str, object]) -> None:
    specified = build.expectation(*(build.arm(*one) for one in arms), status=status)
    plan = build.plan(specified)
    applied = replace(plan, applied=((replace(specified, route=APPLIED),),))
    for one, named in ((plan, False), (applied, True)):
        (trial,) = check.begin(one)
        trial.observe(build.seen(**seen))
        verdict = trial.conclude(Books())
        assert verdict.outcome is Outcome.FAILED
        assert (TAKEN in verdict.reason) is named


def test_requests_that_no_rule_led_to_name_it_too(build) -> None:
    specified = build.expectation(replace(build.arm("v1", 100), port=80))
    plan = replace(build.plan(specified), applied=((replace(specified, route=APPLIED),),))
    (trial,) = Split().begin(plan)
    while not trial.decided:
        trial.observe(build.seen("v1"))
    counted = {"cluster.outbound|80|v2|helloworld.default.svc.cluster.local.upstream_rq_total": 5}
    verdict = trial.conclude(Books(proxies={"sidecar": counted}))
    assert verdict.outcome is Outcome.FAILED
    assert TAKEN in verdict.reason
