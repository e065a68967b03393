"""Test data: event logs of runs that never happened, drawn with a seeded generator."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence

import pytest
from meshproof.border.verdict import ArmResult, Outcome, Verdict
from meshproof.report.events import (
    Broke,
    CheckFinished,
    ConfigApplied,
    Event,
    Noticed,
    Progress,
    RunFinished,
    RunStarted,
    ScenarioFinished,
    ScenarioStarted,
    TargetReached,
)

REQUEST = "GET http://helloworld:5000/hello"
ALPHA, BETA, TOLERANCE = 0.001, 0.01, 0.03


def interval(count: int, n: int) -> tuple[float, float]:
    """Robbins' normal mixture, good enough to look at; the judge has its own."""
    share = count / n
    variance, rho = n * (share * (1 - share) + 1 / n), 25.0
    radius = math.sqrt((variance + rho) * math.log((variance + rho) / (rho * ALPHA**2))) / n
    return max(0.0, share - radius), min(1.0, share + radius)


def arms(counts: Sequence[int], expected: Sequence[float], outcomes: Sequence[Outcome]) -> tuple[ArmResult, ...]:
    n = sum(counts)
    return tuple(
        ArmResult(
            destination=f"helloworld.default/v{index + 1}",
            expected=share,
            observed=count / n,
            interval=interval(count, n),
            count=count,
            tolerance=TOLERANCE,
            outcome=outcome,
            location=f"scenarios/canary/canary.yaml:{14 + 5 * index}:11",
        )
        for index, (count, share, outcome) in enumerate(zip(counts, expected, outcomes, strict=True))
    )


def split(
    name: str,
    expected: Sequence[float],
    applied: Sequence[float],
    n: int,
    outcome: Outcome,
    reason: str,
    *,
    stage: int = 0,
    seed: int = 7,
) -> list[Event]:
    """The progress and the verdict of a Split of `n` requests that are drawn by the shares `applied`."""
    generator = random.Random(seed)
    counts = [0] * len(expected)
    running = [Outcome.INCONCLUSIVE] * len(expected)
    events: list[Event] = []
    for i in range(1, n + 1):
        counts[generator.choices(range(len(applied)), applied)[0]] += 1
        if i % max(1, n // 90) == 0 or i < 12:
            events.append(Progress(name, "Split", REQUEST, stage, i, 2960, arms(counts, expected, running), i / 900))
    final = arms(counts, expected, [outcome] * len(expected))
    events.append(
        CheckFinished(
            Verdict(name, "Split", outcome, reason, n, REQUEST, stage, ALPHA, BETA, TOLERANCE, final, n / 900)
        )
    )
    return events


def scenario(name: str, description: str, body: Sequence[Event], outcome: Outcome) -> list[Event]:
    manifests = ("scenarios/canary/helloworld.yaml", "scenarios/canary/canary.yaml")
    phases = {"mesh": 0.31, "traffic": 1.62, "verdict": 0.02}
    return [
        ScenarioStarted(name, description, manifests, (REQUEST,)),
        ConfigApplied(name, 0, 0.0021, "1"),
        *body,
        ScenarioFinished(name, outcome, 1.95, phases),
    ]


def no_errors(name: str, n: int) -> CheckFinished:
    return CheckFinished(Verdict(name, "NoErrors", Outcome.PASSED, f"all {n} requests were answered", n, seconds=1.5))


def passed(name: str = "CanarySplit") -> list[Event]:
    body = split(name, [0.9, 0.1], [0.9, 0.1], 1342, Outcome.PASSED, "each share is within 3 points of its weight")
    description = "Ten percent of requests reach v2, the rest v1, and none go elsewhere."
    return scenario(name, description, [*body, no_errors(name, 1342)], Outcome.PASSED)


def failed(name: str = "DriftedCanary") -> list[Event]:
    reason = (
        "helloworld.default/v2 was specified 10 % and gets more: the share is off by 3 points or more"
        " (scenarios/canary/canary.yaml:19:11)"
    )
    body = split(name, [0.9, 0.1], [0.8, 0.2], 236, Outcome.FAILED, reason)
    return scenario(
        name, "What runs is 80/20, what was specified is 90/10.", [*body, no_errors(name, 236)], Outcome.FAILED
    )


def inconclusive(name: str = "CappedCanary") -> list[Event]:
    reason = "after 400 requests, the cap, the shares could be right or wrong by 3 points; raise --max-requests"
    shares = [0.6, 0.3, 0.1]
    body = split(name, shares, shares, 400, Outcome.INCONCLUSIVE, reason)
    return scenario(name, "Three subsets, and too few requests to decide.", body, Outcome.INCONCLUSIVE)


def errored(name: str = "BrokenTarget") -> list[Event]:
    detail = "command: envoy --concurrency 1 -c bootstrap.json\n[critical] assert failure: false"
    broke = Broke(name, "envoy sidecar: died under load (exit code -11)", detail)
    return scenario(name, "Envoy dies in mid-run.", [broke], Outcome.ERROR)


def run(*scenarios: list[Event], outcome: Outcome = Outcome.PASSED, exit_code: int = 0) -> list[Event]:
    names = tuple(event.scenario for part in scenarios for event in part if isinstance(event, ScenarioStarted))
    started = RunStarted(
        "20260131T101500Z-c0ffee",
        "2026-01-31T10:15:00Z",
        "embedded",
        {"meshproof": "0.1.0", "envoy": "1.40.0", "locust": "2.43.1", "python": "3.11.7"},
        {"alpha": ALPHA, "beta": BETA, "tolerance": TOLERANCE, "seed": 7, "max_requests": None},
        names,
        ("meshproof", "run", *names, "--seed", "7"),
    )
    notice = Noticed(names[0] if names else "", "scenarios/canary/helloworld.yaml:3:7", "kind PodMonitor is not read")
    middle = [event for part in scenarios for event in part]
    return [started, notice, *middle, RunFinished(outcome, 2.4, exit_code)]


@pytest.fixture
def passed_run() -> list[Event]:
    return run(passed())


@pytest.fixture
def failed_run() -> list[Event]:
    return run(failed(), outcome=Outcome.FAILED, exit_code=1)


@pytest.fixture
def mixed_run() -> list[Event]:
    """One scenario of each outcome."""
    return run(passed(), failed(), inconclusive(), errored(), outcome=Outcome.ERROR, exit_code=3)


@pytest.fixture
def hostile_run() -> Callable[[str], list[Event]]:
    """A failed run with one text in every place where a manifest or a header can put one."""

    def build(text: str) -> list[Event]:
        arm = ArmResult(text, 0.9, 0.5, (0.4, 0.6), 5, 0.03, Outcome.FAILED, text)
        verdict = Verdict(
            text, text, Outcome.FAILED, text, 10, text, 0, 0.001, 0.01, 0.03, (arm, arm), 1.0, {"x": text}
        )
        return [
            RunStarted(text, text, text, {text: text}, {"seed": text, "tolerance": text}, (text,), (text,)),
            TargetReached({text: text}),
            Noticed(text, text, text),
            ScenarioStarted(text, text, (text,), (text,)),
            ConfigApplied(text, 0, 0.1, text),
            Progress(text, text, text, 0, 5, 10, (arm, arm), 0.1),
            CheckFinished(verdict),
            Broke(text, text, text),
            ScenarioFinished(text, Outcome.FAILED, 1.0, {text: 1.0}, text),
            RunFinished(Outcome.FAILED, 2.0, 1),
        ]

    return build
