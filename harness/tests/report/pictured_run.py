"""A run that never happened, with a check for each picture that a report draws: breaker, ejection, mirror, delay."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from meshproof.border.verdict import ArmResult, Outcome, Verdict
from meshproof.report.events import (
    CheckFinished,
    CheckShown,
    Event,
    Example,
    Quote,
    RunFinished,
    RunStarted,
    ScenarioFinished,
    ScenarioStarted,
    Slot,
)

REQUEST = "GET http://httpbin:8000/get"
POOL = "connectionPool:\n  tcp:\n    maxConnections: 1\n  http:\n    http1MaxPendingRequests: 1\n"


def step(name: str, sent: int, refused: int, stood: list[list[int]], at: float) -> dict[str, Any]:
    counts = {"stage": 0, "request": 0, "first": 0, "last": sent, "received": sent - refused}
    return {"at": at, "served": sent - refused, "refused": refused, **counts, "pending_overflow": refused,
            "active_overflow": 0, "step": name, "stood": stood}  # fmt: skip


STEPS = {
    "limits": "breaker/pool.yaml:9:5",
    "steps": [
        step("3 at once, held", 3, 1, [[1, 1, 0, 0], [2, 1, 1, 0], [3, 1, 1, 1]], 0.21),
        step("300 by 3 users", 300, 42, [], 1.4),
    ],
}
MARKS = {
    "rule": "breaker/outlier.yaml:9:5",
    "merge_window": 1.0,
    "marks": [
        {"name": "ejected", "at": 1.0, "number": 0, "sent": 0.98},
        {"name": "returned", "at": 4.1, "number": 0, "still": 4.0},
        {"name": "ejected", "at": 4.5, "number": 1, "sent": 4.4},
        {"name": "returned", "at": 11.5, "number": 1, "still": 11.4},
        {"name": "capped", "at": 13.0, "ejected": 2, "most": 2, "seconds": 0.5},
    ],
}
MIRROR = {
    "sent": 800, "primaries": 800, "copies": 793, "by_workload": {"default/httpbin-v2": 793},
    "faults": {"lost": 7}, "first": {}, "forgotten": 0,
}  # fmt: skip
DELAY = {"cap": 2960, "seconds": 0.5, "shortest": 0.501, "longest": 0.53}
HEADER = "<script>alert(1)</script>"


def about(verdict: Verdict, **more: Any) -> CheckShown:
    examples = tuple(
        Example(
            f"id-{number}", REQUEST, number / 100, 0.002 + number / 5000, 503 if number < 3 else 200,
            "" if number < 3 else "httpbin-v1-0", headers=(("server", HEADER),) if number == 0 else (),
        )
        for number in range(10)
    )  # fmt: skip
    return CheckShown(
        verdict.scenario, verdict.check, verdict.request, verdict.stage,
        (Quote("breaker/pool.yaml:9:5", POOL),), (Quote("deployed/pool.yaml:9:5", POOL.replace("1\n", "9\n")),),
        {"200 from default/httpbin-v1": 900, "503 from a proxy": 100},
        ((0.001, 5), (0.001259, 60), (0.001585, 500), (0.001995, 300), (0.01, 30), (0.501187, 95), (0.630957, 10)),
        0.5, tuple(Slot(at / 2, 20 + at % 5, 3 if at % 7 == 0 else 0) for at in range(26)), examples,
    )  # fmt: skip


def verdicts() -> list[Verdict]:
    arm = ArmResult("delayed by 0.5 s", 0.1, 0.105, (0.08, 0.13), 105, 0.03, Outcome.PASSED, "fault/delay.yaml:12:9")
    base = Verdict("Breaker", "ConnectionPool", Outcome.FAILED, "3 at once: 9 in flight", 303, REQUEST, seconds=1.9)
    return [
        replace(base, evidence=STEPS),
        replace(base, scenario="Outlier", check="OutlierDetection", outcome=Outcome.PASSED, evidence=MARKS, n=560),
        replace(base, scenario="Mirror", check="Mirrors", request="", n=800, evidence=MIRROR, reason="7 copies lost"),
        replace(base, scenario="Fault", check="Delay", outcome=Outcome.PASSED, n=1000, evidence=DELAY, arms=(arm,)),
    ]


def pictured_run() -> list[Event]:
    made = verdicts()
    names = tuple(one.scenario for one in made)
    options = {"alpha": 0.001, "beta": 0.01, "tolerance": 0.03, "seed": 7, "max_requests": None}
    events: list[Event] = [
        RunStarted("20260131T101500Z-c0ffee", "2026-01-31T10:15:00Z", "embedded", {"envoy": "1.40.0"}, options, names)
    ]
    for one in made:
        events += [
            ScenarioStarted(one.scenario, f"What {one.scenario} proves.", (), (REQUEST,)),
            about(one),
            CheckFinished(one),
            ScenarioFinished(one.scenario, one.outcome, 2.0),
        ]
    return [*events, RunFinished(Outcome.FAILED, 9.0, 1)]
