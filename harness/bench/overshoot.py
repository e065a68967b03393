"""Requests that were sent until a conforming 90/10 was decided, beside what the ideal tests need on the same answers.

Each run's answers are recorded in the order in which they came. The tests of each arm are then run on them again:
the number at which the last of them closes is what an ideal harness would have sent. Nothing is asserted.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import mean, median

from meshproof.border.books import Books
from meshproof.border.load import Load
from meshproof.border.observation import Observation
from meshproof.border.verdict import ArmResult, Outcome, Precision, Verdict
from meshproof.judge import NoErrors, Split
from meshproof.judge.sequential.share import ShareTest
from meshproof.run.options import Options
from meshproof.run.prepare import prepare
from meshproof.run.session import Session
from meshproof.scenario import Plan, Scenario, Trial
from meshproof.suite import folder
from meshproof.targets.embedded.target import EmbeddedTarget
from table import Row, show

PRECISION = Precision()


class Recording:
    """A trial that wants nothing and remembers which workload gave each answer."""

    check, stage, request, limit = "Recorder", None, None, 0
    decided = True

    def __init__(self, plan: Plan, answers: list[str]) -> None:
        self._plan = plan
        self._answers = answers

    def observe(self, observation: Observation) -> None:
        self._answers.append(observation.workload)

    @property
    def count(self) -> int:
        return len(self._answers)

    def arms(self) -> tuple[ArmResult, ...]:
        return ()

    def conclude(self, books: Books) -> Verdict:  # noqa: ARG002
        return Verdict(self._plan.scenario, self.check, Outcome.PASSED, "", n=self.count)


@dataclass(frozen=True)
class Recorder:
    """A check that only listens; `plans` and `answers` are what it was given, run after run."""

    name: str = "Recorder"
    plans: list[Plan] = field(default_factory=list)
    answers: list[list[str]] = field(default_factory=list)

    def begin(self, plan: Plan) -> Sequence[Trial]:
        self.plans.append(plan)
        self.answers.append([])
        return (Recording(plan, self.answers[-1]),)


def ideal(plan: Plan, answers: Sequence[str]) -> int:
    """The number of answers at which every arm of the plan's first request was decided."""
    arms = plan.stages[0][0].arms
    rates = plan.precision.shared(len(arms))
    tests = [ShareTest(float(arm.share), rates.alpha, rates.beta, rates.tolerance) for arm in arms]
    for number, workload in enumerate(answers, start=1):
        for arm, test in zip(arms, tests, strict=True):
            test.add(workload in arm.workloads)
        if all(test.closed for test in tests) or any(test.outcome is Outcome.FAILED for test in tests):
            return number
    return len(answers)


async def record(runs: int) -> Recorder:
    recorder = Recorder()
    scenario = Scenario(
        name="Overshoot",
        description="Ten percent of requests reach v2.",
        manifests=["helloworld.yaml", "subsets.yaml", "weight-10.yaml"],
        load=Load("steady", "GET http://helloworld:5000/hello"),
        expect=[Split(), NoErrors(), recorder],
    )
    prepared = prepare(scenario, folder("scenarios") / "canary", PRECISION)
    with tempfile.TemporaryDirectory() as name:
        session = Session(EmbeddedTarget(), Path(name), [], Options(PRECISION))
        try:
            await session.open([scenario.name], ["steady"])
            for _ in range(runs):
                result = await session.run(prepared)
                if result.outcome is not Outcome.PASSED:
                    print(f"  a run ended {result.outcome}: {result.reason}")
        finally:
            await session.close()
    return recorder


def measure(runs: int) -> Sequence[Row]:
    recorder = asyncio.run(record(runs))
    sent = [len(answers) for answers in recorder.answers]
    needed = [ideal(plan, answers) for plan, answers in zip(recorder.plans, recorder.answers, strict=True)]
    ratios = [one / other for one, other in zip(sent, needed, strict=True)]
    return (
        Row("requests that the ideal tests need, mean", mean(needed), "", note=f"{min(needed)} to {max(needed)}"),
        Row("requests sent, mean", mean(sent), "", note=f"{min(sent)} to {max(sent)}"),
        Row("sent beyond the ideal, mean", mean(sent) - mean(needed)),
        Row("sent ÷ ideal, of the means", mean(sent) / mean(needed), "", 1.15),
        Row("sent ÷ ideal, median of the runs", median(ratios), "", note=f"{min(ratios):.2f} to {max(ratios):.2f}"),
    )


def main(words: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=20)
    runs = parser.parse_args(words).runs
    show(f"overshoot: {runs} conforming 90/10 splits", measure(runs))


if __name__ == "__main__":
    main()
