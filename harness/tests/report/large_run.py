"""A verification of thousands of rules that never happened, as the events that it would leave."""

from __future__ import annotations

from collections.abc import Iterator

from meshproof.border.coverage import Coverage
from meshproof.border.verdict import ArmResult, Outcome, Verdict
from meshproof.errors import Location
from meshproof.report.events import (
    CheckFinished,
    CoverageFound,
    Event,
    Noticed,
    Progress,
    RunFinished,
    RunStarted,
    ScenarioFinished,
    ScenarioStarted,
)

ALPHA, TOLERANCE = 0.001, 0.03
GROWTH = 1.08
REASONS = {
    Outcome.PASSED: "each share is within 3 points of its weight",
    Outcome.FAILED: "shop.default/v2 was specified 10 % and gets more: the share is off by 3 points or more",
    Outcome.INCONCLUSIVE: "after the cap the shares could be right or wrong by 3 points; raise --max-requests",
}


def request(number: int) -> str:
    return f"GET http://shop-{number // 10}.default:8080/rule/{number} end-user:jason"


def rule(number: int) -> Location:
    """Ten files, a rule every ten lines."""
    return Location(f"shop/routes-{number % 10}.yaml", 9 + number // 10 * 10, 5)


def shares(number: int, n: int, outcome: Outcome, observed: float) -> tuple[ArmResult, ...]:
    place = rule(number)
    return tuple(
        ArmResult(
            f"shop-{number // 10}.default/{version}",
            expected,
            share,
            (max(0.0, share - 1 / (n + 2) ** 0.5), min(1.0, share + 1 / (n + 2) ** 0.5)),
            round(share * n),
            TOLERANCE,
            outcome,
            f"{place.file}:{place.line + offset}:7",
        )
        for version, expected, share, offset in (("v1", 0.9, 1 - observed, 2), ("v2", 0.1, observed, 6))
    )


def counts(most: int) -> Iterator[int]:
    """After how many requests progress is emitted: the growth that a load has."""
    n = 1
    while n < most:
        yield n
        n = max(n + 5, int(n * GROWTH))
    yield most


def large_run(
    checks: int,
    *,
    failed: tuple[int, ...] = (),
    inconclusive: tuple[int, ...] = (),
    requests: int = 0,
    reason: str = "",
) -> Iterator[Event]:
    """One load with a Split for each of so many rules, all at work at once, `requests` of each (0: no progress)."""
    numbers = range(checks)
    outcomes = dict.fromkeys(numbers, Outcome.PASSED)
    outcomes |= dict.fromkeys(inconclusive, Outcome.INCONCLUSIVE) | dict.fromkeys(failed, Outcome.FAILED)
    whole = Outcome.FAILED if failed else Outcome.INCONCLUSIVE if inconclusive else Outcome.PASSED
    options = {"alpha": ALPHA, "beta": 0.01, "tolerance": TOLERANCE, "seed": 7, "max_requests": None}
    command = ("meshproof", "verify", "-f", "shop")
    yield RunStarted("20260131T101500Z-c0ffee", "2026-01-31T10:15:00Z", "embedded", {}, options, ("verify",), command)
    rules = tuple((rule(number), (request(number),)) for number in numbers)
    yield CoverageFound(Coverage(rules, checks, checks // 10 + 1))
    yield Noticed("verify", "shop/routes-0.yaml:1:1", "Services and workloads stand in for shop.default:8080")
    manifests = tuple(f"shop/routes-{number}.yaml" for number in range(10))
    yield ScenarioStarted("verify", "", manifests, tuple(map(request, numbers)))
    for n in counts(requests) if requests else ():
        for number in numbers:
            observed = 0.2 + 0.5 / n if outcomes[number] is Outcome.FAILED else 0.1 + 0.5 / n
            at = shares(number, n, Outcome.INCONCLUSIVE, observed)
            yield Progress("verify", "Split", request(number), 0, n, 2960, at, n / 100)
    n = requests or 400
    for number, outcome in outcomes.items():
        arms = shares(number, n, outcome, 0.2 if outcome is Outcome.FAILED else 0.1)
        yield CheckFinished(
            Verdict(
                "verify", "Split", outcome, reason or REASONS[outcome], n, request(number), 0, ALPHA, 0.01, TOLERANCE,
                arms, 4.0, {"cap": 2960, "aborted": 0, "unanswered": {}, "elsewhere": {}},
            )
        )  # fmt: skip
    yield ScenarioFinished("verify", whole, 9.5, {"mesh": 2.0, "traffic": 7.0})
    yield RunFinished(whole, 10.0, 1 if failed else 0)
