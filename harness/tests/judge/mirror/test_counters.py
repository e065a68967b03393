"""Copies that reach no pod are judged by what the proxies count."""

from __future__ import annotations

from typing import Any

import pytest
from meshproof.border.expectation import Ejection, Policy, Pool
from meshproof.border.verdict import Outcome
from meshproof.errors import Location
from meshproof.judge import Mirror

CLUSTER = "cluster.outbound|5000|{}|helloworld.default.svc.cluster.local"


POOL = Policy(pool=Pool(max_connections=1, location=Location("rule.yaml", 9, 5)))
EJECTION = Policy(ejection=Ejection(location=Location("rule.yaml", 9, 5)))


@pytest.mark.parametrize(
    ("policy", "counter", "why"),
    [
        (POOL, "upstream_rq_pending_overflow", "the limits of its connection pool (rule.yaml:9:5)"),
        (EJECTION, "upstream_cx_none_healthy", "ejection of its pods (rule.yaml:9:5)"),
    ],
)
def test_copies_refused_by_the_mirrors_own_policy_are_inconclusive(
    build: Any, bench: Any, policy: Policy, counter: str, why: str
) -> None:
    load = bench.SimulatedLoad()
    for number in range(200):
        load.send(build, *(["v2"] if number % 2 else []))
    counters = {f"{CLUSTER.format('v2')}.{counter}": 100}
    outcomes = {}
    for name, force in {"own": policy, "none": Policy(), "other": POOL if policy is EJECTION else EJECTION}.items():
        _, trial = Mirror().begin(bench.plan_of(build, bench.copy_to("v2", 100, policy=force)))
        verdict = bench.judged(trial, load, counters=counters)
        outcomes[name] = verdict.outcome
        if name == "own":
            assert f"refused 100 requests to helloworld.default/v2 by {why}" in verdict.reason
    assert outcomes == {"own": Outcome.INCONCLUSIVE, "none": Outcome.FAILED, "other": Outcome.FAILED}


@pytest.mark.parametrize(
    ("tried", "outcome"),
    [(200, Outcome.PASSED), (201, Outcome.FAILED), (199, Outcome.FAILED), (0, Outcome.FAILED), (None, "inconclusive")],
)
def test_copies_to_a_mirror_without_pods_are_counted_by_the_proxy(
    build: Any, bench: Any, tried: int | None, outcome: str
) -> None:
    down = bench.copy_to("v2", 100, "none", note="no pod stands behind it: Envoy answers 503")
    load = bench.SimulatedLoad()
    for _ in range(200):
        load.send(build)
    counters = {} if tried is None else {f"{CLUSTER.format('v2')}.upstream_cx_none_healthy": tried}
    _, trial = Mirror().begin(bench.plan_of(build, down))
    verdict = bench.judged(trial, load, counters=counters)
    assert verdict.outcome == outcome
    assert verdict.reason.startswith("no copy can arrive at helloworld.default/v2: no pod stands behind it")


def test_a_copy_too_many_fails_whatever_was_refused(build: Any, bench: Any) -> None:
    load = bench.SimulatedLoad()
    for number in range(200):
        load.send(build, *(["v2"] if number % 2 else ["v3"]))
    counters = {f"{CLUSTER.format('v2')}.upstream_rq_pending_overflow": 100}
    _, trial = Mirror().begin(bench.plan_of(build, bench.copy_to("v2", 100, policy=POOL), bench.copy_to("v3", 0)))
    assert bench.judged(trial, load, counters=counters).outcome is Outcome.FAILED


def test_counts_that_other_requests_share_are_inconclusive(build: Any, bench: Any) -> None:
    down = bench.copy_to("v2", 100, "none", note="no pod stands behind it")
    alone = build.expectation(build.arm("v1", 100), copies=(down,))
    routed = build.expectation(build.arm("v1", 90), build.arm("v2", 10, "none"), copies=(down,))
    half = build.expectation(build.arm("v1", 100), copies=(bench.copy_to("v2", 50, "none"),))
    load = bench.SimulatedLoad()
    for _ in range(200):
        load.send(build)
    counters = {f"{CLUSTER.format('v2')}.upstream_cx_none_healthy": 200}
    for plan in (build.plan(routed), build.plan(alone, alone), build.plan((alone, half)), build.plan(half)):
        _, trial, *_ = Mirror().begin(plan)
        verdict = bench.judged(trial, load, counters=counters)
        assert verdict.outcome is Outcome.INCONCLUSIVE
        assert "the proxies' counters do not show it" in verdict.reason
