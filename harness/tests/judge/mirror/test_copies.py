"""Single copies: one that is altered, doubled, misplaced or unmarked fails."""

from __future__ import annotations

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
def test_one_altered_copy_fails(build: Any, lab: Any, altered: dict[str, Any], words: str) -> None:
    world = lab.World()
    for _ in range(200):
        world.send(build, "v2")
    world.send(build, "v2", **altered)
    verdict = lab.judged(Mirror().begin(lab.plan_of(build, lab.copy_to("v2", 100)))[0], world)
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
def test_one_copy_too_many_or_elsewhere_fails(build: Any, lab: Any, to: list[str], words: str) -> None:
    world = lab.World()
    for _ in range(200):
        world.send(build, "v2")
    world.send(build, *to)
    verdict = lab.judged(Mirror().begin(lab.plan_of(build, lab.copy_to("v2", 100)))[0], world)
    assert verdict.outcome is Outcome.FAILED
    assert verdict.reason.startswith(words)


def test_a_copy_without_its_mark_fails(build: Any, lab: Any) -> None:
    world = lab.World()
    for _ in range(200):
        world.send(build, "v2")
    world.entries["v2"].append(world.entries["v1"][3])
    verdict = lab.judged(Mirror().begin(lab.plan_of(build, lab.copy_to("v2", 100)))[0], world)
    assert verdict.outcome is Outcome.FAILED
    assert "1 copy is at default/helloworld-v2 without the marks of a copy (first: request id-3)" in (verdict.reason)


def test_a_retried_primary_is_one_primary(build: Any, lab: Any) -> None:
    world = lab.World()
    for _ in range(200):
        world.send(build, "v2")
    world.entries["v1"].append(world.entries["v1"][3])
    verdicts = [lab.judged(trial, world) for trial in Mirror().begin(lab.plan_of(build, lab.copy_to("v2", 100)))]
    assert [verdict.outcome for verdict in verdicts] == [Outcome.PASSED] * 2


def test_a_mirror_of_nothing_gives_no_leave_for_a_second_copy(build: Any, lab: Any) -> None:
    nothing = lab.copy_to("all", 0, "default/helloworld-v1", "default/helloworld-v2")
    world = lab.World()
    for number in range(200):
        world.send(build, *["v2"] * (1 + (number == 77)))
    verdict = lab.judged(Mirror().begin(lab.plan_of(build, lab.copy_to("v2", 100), nothing))[0], world)
    assert verdict.outcome is Outcome.FAILED
    assert verdict.evidence["first"] == {"one too many of the same request at helloworld.default/v2": "id-77"}


def test_the_ledger_stands_in_the_evidence(build: Any, lab: Any) -> None:
    world = lab.World()
    for number in range(200):
        world.send(build, *(["v2", "v3"] if number % 2 else ["v2"]), primary="v1" if number else "")
    plan = lab.plan_of(build, lab.copy_to("v2", 100), lab.copy_to("v3", 50))
    evidence = lab.judged(Mirror().begin(plan)[0], world).evidence
    assert (evidence["sent"], evidence["primaries"], evidence["copies"]) == (200, 199, 300)
    assert evidence["by_workload"] == {"default/helloworld-v2": 200, "default/helloworld-v3": 100}
