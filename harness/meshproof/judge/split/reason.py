"""Why a split passed, failed or stayed undecided, in one sentence."""

from __future__ import annotations

from collections import Counter
from typing import Any

from meshproof.border.expectation import Expectation
from meshproof.border.observation import Observation
from meshproof.border.verdict import ArmResult, Outcome, Precision
from meshproof.judge.wording import answer, counted, joined, kinds, percent, points, specified


class Unattributed:
    """The requests that belong to no arm: those that no pod answered, and those that pods of no arm answered."""

    __slots__ = ("elsewhere", "first_elsewhere", "first_unanswered", "unanswered")

    def __init__(self) -> None:
        self.unanswered: Counter[str] = Counter()
        self.elsewhere: Counter[str] = Counter()
        self.first_unanswered = ""
        self.first_elsewhere = ""

    def add(self, observation: Observation) -> bool:
        """Count one; True when a pod of no arm answered."""
        if not (observation.workload or observation.pod):
            self.first_unanswered = self.first_unanswered or observation.id
            self.unanswered[answer(observation)] += 1
            return False
        self.first_elsewhere = self.first_elsewhere or observation.id
        name = observation.workload or "an unknown workload"
        self.elsewhere[f"{name} (pod {observation.pod})" if observation.pod else name] += 1
        return True

    def evidence(self) -> dict[str, Any]:
        return {
            "unanswered": dict(self.unanswered),
            "elsewhere": dict(self.elsewhere),
            "first_unanswered": self.first_unanswered,
            "first_elsewhere": self.first_elsewhere,
        }


def reason(
    outcome: Outcome,
    expectation: Expectation,
    arms: tuple[ArmResult, ...],
    unattributed: Unattributed,
    n: int,
    cap: int,
    rates: Precision,
    taken: str = "",
) -> str:
    """The sentence for `outcome`; `arms` stand in the order of the expectation's.

    `taken` says which applied rule takes the request.
    """
    if outcome is Outcome.FAILED:
        parts = [_failed(expectation, arms, unattributed, n, rates)]
        parts += [taken] if taken else []
        parts += [expectation.note] if expectation.note else []
        parts += [arm.why for arm in expectation.arms if arm.note and arm.share]
    elif outcome is Outcome.PASSED:
        parts = [_passed(arms, n)]
    else:
        parts = [_undecided(arms, n, cap, rates)]
    if unattributed.unanswered:
        parts.append(kinds(unattributed.unanswered, n))
    return "; ".join(parts)


def _failed(
    expectation: Expectation, arms: tuple[ArmResult, ...], unattributed: Unattributed, n: int, rates: Precision
) -> str:
    if unattributed.elsewhere:
        names = joined(name for name, _ in unattributed.elsewhere.most_common(3))
        number = sum(unattributed.elsewhere.values())
        where = f"at {expectation.route}" if expectation.route else f"for {expectation.request}"
        return (
            f"{counted(number, n)} answered by {names}, which none of the destinations specified {where} leads to "
            f"(the first was request {unattributed.first_elsewhere})"
        )
    notes = {arm.destination for arm in expectation.arms if arm.note}
    failed = [arm for arm in arms if arm.outcome is Outcome.FAILED]
    # An arm that the manifests explain comes first, then the one with the largest relative deviation.
    arm = max(failed, key=lambda arm: (arm.destination in notes, _deviation(arm)))
    if arm.expected in (0, 1):
        wanted = "all of them" if arm.expected else "none"
        return f"{arm.destination} got {arm.count:,} of {n:,} requests, {wanted} specified at {arm.location}"
    low, high = arm.interval
    interval = ""
    if not low <= arm.expected <= high:
        level = f"{100 * (1 - rates.alpha):g} %"
        interval = f" ({level} interval {percent(low).removesuffix(' %')}–{percent(high)})"
    return (
        f"{arm.destination} got {percent(arm.observed)} of {n:,} requests{interval}, "
        f"{specified(arm.expected)} specified at {arm.location}; ruled out at α = {rates.alpha:g}"
    )


def _deviation(arm: ArmResult) -> float:
    return abs(arm.observed - arm.expected) / arm.expected if arm.expected else float("inf")


def _short(arm: ArmResult, arms: tuple[ArmResult, ...]) -> str:
    """The subset alone where all arms are subsets of one service."""
    services = {other.destination.partition("/")[0] for other in arms}
    subset = arm.destination.partition("/")[2]
    return subset if subset and len(services) == 1 and len(arms) > 1 else arm.destination


def _band(arm: ArmResult) -> str:
    return f"{specified(arm.expected)} ± {points(arm.tolerance)} specified"


def _passed(arms: tuple[ArmResult, ...], n: int) -> str:
    drawn = [f"{_short(arm, arms)} got {percent(arm.observed)} ({_band(arm)})" for arm in arms if 0 < arm.expected < 1]
    exact = [f"{_short(arm, arms)} got {'all' if arm.expected else 'none'}" for arm in arms if arm.expected in (0, 1)]
    return f"{joined(drawn + exact)} of {n:,} requests{'' if drawn else ', as specified'}"


def _undecided(arms: tuple[ArmResult, ...], n: int, cap: int, rates: Precision) -> str:
    if not n:
        return "no request was observed"
    undecided = [arm for arm in arms if arm.outcome is Outcome.INCONCLUSIVE]
    states = joined(f"{_short(arm, arms)} got {percent(arm.observed)} ({_band(arm)})" for arm in undecided)
    if n < cap:
        return f"the load ended after {n:,} requests, too early to decide: {states or 'nothing was wrong so far'}"
    limit = "the maximum that was set" if rates.max_requests else "twice the sample of a test of fixed size"
    return (
        f"{n:,} requests, {limit}, do not decide it: {states or 'nothing was wrong so far'}; "
        "a higher maximum of requests or a wider tolerance would help"
    )
