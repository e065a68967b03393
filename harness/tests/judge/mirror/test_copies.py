"""One copy that is altered, doubled, misplaced or unmarked fails."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from meshproof.border.verdict import Outcome
from meshproof.judge import Mirror


@pytest.mark.parametrize(
    ("altered", "words"),
    [
        ({"digest": "d2"}, "not what the primary is: another body"),
        ({"method": "POST"}, "the method POST instead of GET"),
        ({"path": "/else"}, "the path '/else' instead of '/hello'"),
        ({"headers": (("x-new", "1"),)}, "other headers (x-new)"),
        ({"id": "unknown"}, "of requests that nobody sent"),
    ],
)
def test_one_altered_copy_fails(build: Any, bench: Any, altered: dict[str, Any], words: str) -> None:
    load = bench.SimulatedLoad()
    for _ in range(200):
        load.send(build, "v2")
    load.send(build, "v2", **altered)
    verdict = bench.judged(Mirror().begin(bench.plan_of(build, bench.copy_to("v2", 100)))[0], load)
    assert verdict.outcome is Outcome.FAILED
    assert f"1 copy is {words}" in verdict.reason or words in verdict.reason
    assert verdict.reason.endswith("201 copies of 201 requests arrived, mirrors are specified at mirror.yaml:14:9")


@pytest.mark.parametrize(
    ("to", "words"),
    [
        (["v2", "v2"], "1 copy is one too many of the same request at helloworld.default/v2 (first: request id-200)"),
        (["v3"], "1 copy is at default/helloworld-v3, where no mirror leads (first: request id-200)"),
        (["v1"], "1 copy is at default/helloworld-v1, where no mirror leads (first: request id-200)"),
    ],
)
def test_one_copy_too_many_or_elsewhere_fails(build: Any, bench: Any, to: list[str], words: str) -> None:
    load = bench.SimulatedLoad()
    for _ in range(200):
        load.send(build, "v2")
    load.send(build, *to)
    verdict = bench.judged(Mirror().begin(bench.plan_of(build, bench.copy_to("v2", 100)))[0], load)
    assert verdict.outcome is Outcome.FAILED
    assert verdict.reason.startswith(words)


def test_a_copy_without_its_mark_fails(build: Any, bench: Any) -> None:
    load = bench.SimulatedLoad()
    for _ in range(200):
        load.send(build, "v2")
    load.received["v2"].append(load.received["v1"][3])
    verdict = bench.judged(Mirror().begin(bench.plan_of(build, bench.copy_to("v2", 100)))[0], load)
    assert verdict.outcome is Outcome.FAILED
    assert "1 copy is at default/helloworld-v2 without the marks of a copy (first: request id-3)" in (verdict.reason)


def test_a_retried_primary_is_one_primary(build: Any, bench: Any) -> None:
    load = bench.SimulatedLoad()
    for _ in range(200):
        load.send(build, "v2")
    load.received["v1"].append(load.received["v1"][3])
    verdicts = [bench.judged(trial, load) for trial in Mirror().begin(bench.plan_of(build, bench.copy_to("v2", 100)))]
    assert [verdict.outcome for verdict in verdicts] == [Outcome.PASSED] * 2


def test_a_mirror_with_a_share_of_zero_allows_no_second_copy(build: Any, bench: Any) -> None:
    nothing = bench.copy_to("all", 0, "default/helloworld-v1", "default/helloworld-v2")
    load = bench.SimulatedLoad()
    for number in range(200):
        load.send(build, *["v2"] * (1 + (number == 77)))
    verdict = bench.judged(Mirror().begin(bench.plan_of(build, bench.copy_to("v2", 100), nothing))[0], load)
    assert verdict.outcome is Outcome.FAILED
    assert verdict.evidence["first"] == {"one too many of the same request at helloworld.default/v2": "id-77"}


def test_the_counts_are_in_the_evidence(build: Any, bench: Any) -> None:
    load = bench.SimulatedLoad()
    for number in range(200):
        load.send(build, *(["v2", "v3"] if number % 2 else ["v2"]), primary="v1" if number else "")
    plan = bench.plan_of(build, bench.copy_to("v2", 100), bench.copy_to("v3", 50))
    evidence = bench.judged(Mirror().begin(plan)[0], load).evidence
    assert (evidence["sent"], evidence["primaries"], evidence["copies"]) == (200, 199, 300)
    assert evidence["by_workload"] == {"default/helloworld-v2": 200, "default/helloworld-v3": 100}


@pytest.mark.parametrize(("came", "good"), [(8081, True), (8080, False), (0, True)])
def test_a_copy_at_another_port_of_its_pods_is_at_the_wrong_place(
    build: Any, bench: Any, came: int, good: bool
) -> None:
    plan = bench.plan_of(build, replace(bench.copy_to("v2", 100), target=8081))
    load = bench.SimulatedLoad()
    for _ in range(20):
        load.send(build, "v2", port=came)
    verdict = bench.judged(Mirror().begin(plan)[0], load)
    assert (verdict.outcome is Outcome.FAILED) is not good
    assert good or "at port 8080 of default/helloworld-v2 instead of 8081" in verdict.reason
