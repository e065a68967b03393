"""What is wrong with copies, by kind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from meshproof.border.expectation import Expectation
from meshproof.judge.arrivals import Arrival, Joined
from meshproof.judge.expectations import applying
from meshproof.judge.mirror.alteration import alteration
from meshproof.judge.wording import joined as listed
from meshproof.scenario import Plan

KINDS_NAMED = 3


class Faults:
    """Numbers by kind, in words that follow `3 copies are`; `first` is the first request's id of each kind."""

    def __init__(self) -> None:
        self.kinds: Counter[str] = Counter()
        self.first: dict[str, str] = {}

    def add(self, kind: str, id: str, number: int = 1) -> None:
        self.kinds[kind] += number
        self.first.setdefault(kind, id)

    def __str__(self) -> str:
        named = self.kinds.most_common(KINDS_NAMED)
        parts = [
            f"{number:,} {'copy is' if number == 1 else 'copies are'} {kind} (first: request {self.first[kind]})"
            for kind, number in named
        ]
        if rest := self.kinds.total() - sum(number for _, number in named):
            parts.append(f"{rest:,} more are otherwise wrong")
        return listed(parts)


def faults(joined: Joined, plan: Plan, sent: Mapping[str, tuple[int, int]]) -> Faults:
    """Hold every arrival against the specification; `sent` gives stage and request of each id that the client sent."""
    found = Faults()
    for id, arrivals in joined.copies.items():
        if id not in sent:
            found.add("of requests that nobody sent", id, len(arrivals))
            continue
        _misplaced(id, arrivals, applying(plan, *sent[id]), found)
        for primary in joined.primaries.get(id, ())[:1]:
            for arrival in arrivals:
                if altered := alteration(primary.received, arrival.received):
                    found.add(f"not what the primary is: {altered}", id)
    for id, arrivals in joined.primaries.items():
        if id in sent:
            _unmarked(id, arrivals, applying(plan, *sent[id]), found)
    return found


def _misplaced(id: str, arrivals: Sequence[Arrival], expectations: Sequence[Expectation], found: Faults) -> None:
    """Copies beyond one for each mirror, and copies elsewhere."""
    rules = [expectation.copies for expectation in expectations]
    wanted = list(dict.fromkeys(copy for copies in rules for copy in copies if copy.share))
    at = Counter(arrival.workload for arrival in arrivals)
    for workload, number in at.items():
        if not any(workload in copy.workloads for copy in wanted):
            found.add(f"at {workload}, where no mirror leads", id, number)
    for arrival in arrivals:
        ports = {copy.target for copy in wanted if arrival.workload in copy.workloads}
        if ports and not ports & {0, arrival.received.port} and arrival.received.port:
            to = listed(str(one) for one in sorted(ports))
            found.add(f"at port {arrival.received.port} of {arrival.workload} instead of {to}", id)
    for copy in wanted:
        number = sum(at[workload] for workload in copy.workloads)
        # A workload that several mirrors have in common may get a copy for each of them.
        most = max(sum(bool(one.workloads & copy.workloads) for one in copies if one.share) for copies in rules)
        if number > most:
            found.add(f"one too many of the same request at {copy.destination}", id, number - most)


def _unmarked(id: str, arrivals: Sequence[Arrival], expectations: Sequence[Expectation], found: Faults) -> None:
    """Copies without the marks of a copy: they look like primaries at a workload that no route leads to."""
    mirrored = {one for expectation in expectations for copy in expectation.copies for one in copy.workloads}
    routed = {one for expectation in expectations for arm in expectation.arms for one in arm.workloads}
    for arrival in arrivals:
        if arrival.workload in mirrored - routed:
            found.add(f"at {arrival.workload} without the marks of a copy", id)


def locations(plan: Plan) -> Iterator[str]:
    """Where mirrors are specified, each once."""
    copies = (copy for row in plan.stages for expectation in row for copy in expectation.copies)
    yield from dict.fromkeys(str(copy.location) for copy in copies)
