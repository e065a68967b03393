"""What a new pod got while it warmed up: in stretches of each of the windows in which pods came."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from meshproof.border.books import Mark
from meshproof.border.expectation import WarmUp
from meshproof.border.observation import Observation
from meshproof.judge.warm_up.law import beside, bounds, share
from meshproof.judge.wording import percent
from meshproof.records import dataclass

# Stretches of the window, and a last one after it.
STRETCHES = (0.0, 0.1, 0.25, 0.5, 0.75, 1.0, 1.25)
# Fewer requests of a stretch show nothing; nor does it where a larger share of them depends on when exactly they came.
FEWEST = 15
UNCERTAIN = 0.1
# Seconds by which the moment is uncertain at which a proxy knows a pod, beside what the push took.
LATE = 0.05


@dataclass(frozen=True, slots=True)
class Seen:
    """What was seen of one stretch: `wrong` says what is wrong, `lacking` why it shows too little; else the `share`."""

    stretch: int
    share: float = 0.0
    wrong: str = ""
    lacking: str = ""


def least_rate(rule: WarmUp) -> float:
    """Requests a second that the shortest stretch needs."""
    shortest = min(end - begin for begin, end in pairwise(STRETCHES)) * rule.seconds
    return FEWEST / shortest if shortest else 0.0


def stretches(
    rule: WarmUp, marks: Sequence[Mark], seen: Sequence[Observation], old: Iterable[str], new: Iterable[str]
) -> Iterator[Seen]:
    """Each stretch of each window; `old` and `new` are the workloads."""
    for mark in (one for one in marks if one.name == "came"):
        left = next((one.at for one in marks if one.name == "left" and one.at > mark.at), float("inf"))
        own = [one for one in seen if mark.at <= one.started < left]
        for number, (begin, end) in enumerate(pairwise(part * rule.seconds for part in STRETCHES)):
            during = [one for one in own if begin <= one.started - mark.at < end]
            yield _seen(rule, mark, number, (begin, end), during, frozenset(old), frozenset(new))


def _seen(
    rule: WarmUp,
    mark: Mark,
    number: int,
    edges: tuple[float, float],
    own: Sequence[Observation],
    old: frozenset[str],
    new: frozenset[str],
) -> Seen:
    begin, end = edges
    if silent := next((one for one in own if one.workload not in old | new), None):
        who = f"the proxy, with {silent.status}," if silent.status else "nobody"
        return Seen(number, wrong=f"{who} answered, {silent.started - mark.at:.1f} s after a pod came")
    several = int(mark.values["new"]), int(mark.values["old"])
    late = LATE + mark.values["push"]
    got = sum(one.workload in new for one in own)
    called = [(one.started - mark.at, one.started - mark.at + one.latency) for one in own]
    fewest, most = bounds(rule, called, late, *several)
    when = f"from {begin:.1f} to {end:.1f} s after a pod came"
    if not fewest <= got <= most:
        wanted = f"about {percent(share(rule, (begin + end) / 2, *several))} are specified"
        return Seen(number, wrong=f"{when} it got {got} of {len(own)} requests; {wanted}")
    uncertain = most - fewest - 2 * beside(len(own))
    if len(own) < FEWEST or uncertain > UNCERTAIN * len(own):
        why = "too few" if len(own) < FEWEST else "and how old the pod was is too uncertain"
        return Seen(number, lacking=f"{when} {len(own)} requests were sent, {why}")
    return Seen(number, got / len(own))
