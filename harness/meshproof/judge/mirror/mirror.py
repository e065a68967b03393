"""Mirrors copy what they are specified to copy, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations

from meshproof.border.expectation import Arm, Copy
from meshproof.border.verdict import Precision
from meshproof.judge.arrivals import ByBooks, Joined, arrivals
from meshproof.judge.mirror.copies import CopiesTrial
from meshproof.judge.mirror.rule import Rule
from meshproof.judge.mirror.share import DrawnMirrorTrial, MirrorShareTrial
from meshproof.records import dataclass
from meshproof.scenario import Plan, Trial


@dataclass(frozen=True)
class Mirror:
    """Each mirror gets unaltered copies of its specified share of the requests, once, and nothing else gets any.

    One trial compares every copy with its primary (`CopiesTrial`). Beside it, one for each
    stage and each mirror rule in it decides the shares, over all requests of the load that the rule
    applies to: shares of 0 and 1 are exact. A drawn share is decided for the rule's requests as a whole,
    and, with a tolerance of half of the share, for those of each destination of the split separately: copies that
    follow the split's own draw would have the right share of the whole.

    That copies to a mirror without pods are made is read from the proxies' counters, unless `to_pods` leaves them out.

    α is divided equally among all these drawn shares (Bonferroni), β is not: see Split.
    """

    to_pods: bool = False
    name: str = "Mirror"

    def begin(self, plan: Plan) -> Sequence[Trial]:
        found = [one for stage in range(len(plan.stages)) for one in rules(plan, stage)]
        found = [_to_pods(one) for one in found] if self.to_pods else found
        rates = plan.precision.shared(max(plan.drawn, self.drawn(plan)))
        joined = arrivals(plan)
        trials: list[Trial] = [CopiesTrial(self.name, plan, joined)]
        return [*trials, *(share_trial(self.name, plan, one, rates, joined) for one in found)]

    def drawn(self, plan: Plan) -> int:
        """How many drawn shares are decided."""
        return sum(one.drawn for stage in range(len(plan.stages)) for one in rules(plan, stage))


def share_trial(check: str, plan: Plan, one: Rule, rates: Precision, joined: ByBooks[Joined]) -> MirrorShareTrial:
    """The trial of the shares of a mirror rule; `joined` is shared by them all."""
    kind = DrawnMirrorTrial if one.drawn else MirrorShareTrial
    return kind(check, plan, one, rates, joined)


def rules(plan: Plan, stage: int) -> list[Rule]:
    """The mirror rules of a stage; requests that nothing mirrors are one rule."""
    requests_of: dict[tuple[Copy, ...], list[int]] = {}
    for index, expectation in enumerate(plan.stages[stage]):
        requests_of.setdefault(expectation.copies, []).append(index)
    return [rule(plan, stage, requests) for requests in requests_of.values()]


def _to_pods(one: Rule) -> Rule:
    return replace(one, copies=tuple(copy for copy in one.copies if copy.workloads))


def rule(plan: Plan, stage: int, requests: Sequence[int]) -> Rule:
    """The mirror rule of requests with the same mirrors."""
    first = plan.stages[stage][requests[0]]
    return Rule(stage, tuple(requests), first, first.copies, _drawn_arms(plan, stage, requests, first.copies))


def _drawn_arms(plan: Plan, stage: int, requests: Sequence[int], copies: tuple[Copy, ...]) -> tuple[Arm, ...]:
    """The arms that are judged separately: those of a drawn split beside a mirror with a drawn share."""
    if not any(0 < copy.share < 1 for copy in copies):
        return ()
    several = {plan.stages[stage][request].arms for request in requests}
    arms = tuple(arm for arm in several.pop() if 0 < arm.share < 1) if len(several) == 1 else ()
    apart = all(not one.workloads & other.workloads for one, other in combinations(arms, 2))
    return tuple(arm for arm in arms if arm.workloads) if apart else ()
