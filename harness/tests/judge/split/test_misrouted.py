"""A split whose answers are right fails when the proxies count requests to destinations of no rule."""

from __future__ import annotations

from dataclasses import replace

import pytest
from meshproof import Split
from meshproof.border.books import Books
from meshproof.border.expectation import Copy
from meshproof.border.verdict import Outcome

TOTAL = "cluster.outbound|{}.default.svc.cluster.local.upstream_rq_total"
V1, V2, WHOLE = (TOTAL.format(f"5000|{subset}|helloworld") for subset in ("v1", "v2", ""))


@pytest.fixture
def verdict(build):
    """The verdict of a split 100/0 whose every answer was right, by what the proxies counted."""

    def judge(counters, *, copies=(), shares=(100, 0)):
        arms = [replace(build.arm(f"v{number + 1}", share), port=5000) for number, share in enumerate(shares)]
        (trial,) = Split().begin(build.plan(build.expectation(*arms, copies=copies)))
        while not trial.decided:
            trial.observe(build.seen("v1"))
        return trial.conclude(Books(proxies={"sidecar": counters}))

    return judge


def test_counts_of_the_destinations_that_rules_lead_to_pass(verdict):
    assert verdict({V1: 152, V2: 0, WHOLE: 0}).outcome is Outcome.PASSED


@pytest.mark.parametrize(
    ("misrouted", "name"), [(WHOLE, "helloworld.default:5000"), (V2, "helloworld.default/v2:5000")]
)
def test_a_request_to_another_destination_fails(verdict, misrouted, name):
    found = verdict({V1: 151, misrouted: 1})
    assert found.outcome is Outcome.FAILED
    assert f"1 to {name}" in found.reason


def test_another_port_is_another_destination(verdict):
    assert verdict({V1: 152, TOTAL.format("5001|v1|helloworld"): 2}).outcome is Outcome.FAILED


def test_counts_of_other_services_are_not_judged(verdict):
    others = {TOTAL.format("80||other"): 9, V2.replace("_total", "_200"): 9, "http.inbound.upstream_rq_total": 9}
    assert verdict({V1: 152, **others}).outcome is Outcome.PASSED


def test_a_mirror_may_be_sent_to(verdict, build):
    mirror = build.arm("v2", 50)
    copy = Copy(mirror.destination, mirror.share, mirror.workloads, mirror.location, port=5000)
    assert verdict({V1: 152, V2: 70}, copies=(copy,)).outcome is Outcome.PASSED


@pytest.mark.parametrize(("pods", "good"), [("v1", True), ("v2", False)])
def test_what_is_applied_may_call_the_same_pods_by_another_name(build, pods: str, good: bool) -> None:
    specified = build.expectation(replace(build.arm("v1", 100), port=5000))
    renamed = build.arm("next", 100, f"default/helloworld-{pods}")
    applied = build.expectation(replace(renamed, port=5000))
    (trial,) = Split().begin(replace(build.plan(specified), applied=((applied,),)))
    while not trial.decided:
        trial.observe(build.seen("v1"))
    found = trial.conclude(Books(proxies={"sidecar": {TOTAL.format("5000|next|helloworld"): 152}}))
    assert (found.outcome is Outcome.PASSED) is good
