"""What clients saw of a load, summed up in bounded space while it runs: kinds of answers, latencies, examples."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import field
from itertools import chain, zip_longest

from meshproof.border.observation import Observation
from meshproof.records import dataclass
from meshproof.report.events import Example, Slot

# Upper bounds of latencies in seconds, ten for each power of ten from 0.1 ms to 100 s; slower ones have the last.
EDGES = tuple(round(10 ** (step / 10), 6) for step in range(-40, 21))
EXAMPLES = 10
# Of a request at most so many kinds of answers are told apart.
KINDS = 24
Kind = tuple[int, str, str]
OTHER: Kind = (-1, "", "")
FIRST_SLOT, SLOTS = 0.05, 120
ERROR_CHARACTERS = 80


@dataclass(slots=True)
class Sighting:
    """What was seen of one request in one stage. `slots` are counts (answered by a workload, and not) by number."""

    answers: dict[Kind, int] = field(default_factory=dict)
    first: dict[Kind, list[Observation]] = field(default_factory=dict)
    latencies: dict[int, int] = field(default_factory=dict)
    slot: float = FIRST_SLOT
    slots: dict[int, list[int]] = field(default_factory=dict)

    def take(self, one: Observation) -> None:
        kind = (one.status, one.workload or one.pod, "" if one.status else one.error[:ERROR_CHARACTERS])
        if kind not in self.answers and len(self.answers) >= KINDS:
            kind = OTHER
        self.answers[kind] = self.answers.get(kind, 0) + 1
        kept = self.first.setdefault(kind, [])
        if len(kept) < EXAMPLES:
            kept.append(one)
        bucket = min(bisect_left(EDGES, one.latency), len(EDGES) - 1)
        self.latencies[bucket] = self.latencies.get(bucket, 0) + 1
        number = int(max(one.started, 0.0) / self.slot)
        while number >= SLOTS:
            self._widen()
            number = int(one.started / self.slot)
        counts = self.slots.setdefault(number, [0, 0])
        counts[not (one.pod or one.workload)] += 1

    def _widen(self) -> None:
        """Let each slot take twice as long."""
        found: dict[int, list[int]] = {}
        for number, counts in self.slots.items():
            into = found.setdefault(number // 2, [0, 0])
            into[0], into[1] = into[0] + counts[0], into[1] + counts[1]
        self.slot, self.slots = self.slot * 2, found


class Sightings:
    """All requests of a load by stage and index; transitions between stages are no part of it."""

    def __init__(self) -> None:
        self._seen: dict[tuple[int, int], Sighting] = {}

    def take(self, batch: Iterable[Observation]) -> None:
        seen = self._seen
        for one in batch:
            if one.stage >= 0:
                sighting = seen.get(key := (one.stage, one.request))
                if sighting is None:
                    sighting = seen[key] = Sighting()
                sighting.take(one)

    def of(self, stage: int | None, request: int | None) -> list[Sighting]:
        """Those of one stage (None: of all) and of one request (None: of all)."""
        if stage is not None and request is not None:
            return [self._seen[stage, request]] if (stage, request) in self._seen else []
        return [one for (at, index), one in self._seen.items() if stage in (None, at) and request in (None, index)]


def answers(several: Iterable[Sighting]) -> dict[str, int]:
    """How many answers there were of each kind, the most frequent first: `200 from default/httpbin`."""
    total: dict[str, int] = {}
    for kind, number in _kinds(several).items():
        name = _named(kind)
        total[name] = total.get(name, 0) + number
    return total


def _kinds(several: Iterable[Sighting]) -> dict[Kind, int]:
    total: dict[Kind, int] = {}
    for kind, number in chain.from_iterable(one.answers.items() for one in several):
        total[kind] = total.get(kind, 0) + number
    return dict(sorted(total.items(), key=lambda item: (-item[1], item[0])))


def _named(kind: Kind) -> str:
    status, who, error = kind
    if kind == OTHER:
        return "something else"
    if not status:
        return f"none ({error})" if error else "none"
    return f"{status} from {who or 'a proxy'}"


def latencies(several: Iterable[Sighting]) -> tuple[tuple[float, int], ...]:
    """How many took at most so many seconds, and longer than the bound before."""
    total: dict[int, int] = {}
    for bucket, number in chain.from_iterable(one.latencies.items() for one in several):
        total[bucket] = total.get(bucket, 0) + number
    return tuple((EDGES[bucket], total[bucket]) for bucket in sorted(total))


def slots(several: Iterable[Sighting]) -> tuple[float, tuple[Slot, ...]]:
    """The seconds of a slot, and the slots in order; empty ones are left out."""
    own = list(several)
    width = max((one.slot for one in own), default=FIRST_SLOT)
    total: dict[int, list[int]] = {}
    for one in own:
        times = round(width / one.slot)
        for number, counts in one.slots.items():
            into = total.setdefault(number // times, [0, 0])
            into[0], into[1] = into[0] + counts[0], into[1] + counts[1]
    return width, tuple(Slot(round(number * width, 3), *total[number]) for number in sorted(total))


def examples(several: Iterable[Sighting], requests: tuple[str, ...]) -> tuple[Example, ...]:
    """Ten requests at most, of each kind of answer one where there is space: the rarest kinds first."""
    own = list(several)
    rarest = list(reversed(_kinds(own)))
    # No more of any kind are looked at than are shown.
    rows: dict[Kind, list[Observation]] = {kind: [] for kind in rarest[:EXAMPLES]}
    for one in own:
        for kind, first in one.first.items():
            if (row := rows.get(kind)) is not None and len(row) < EXAMPLES:
                row += first
    turns: Iterator[tuple[Observation | None, ...]] = zip_longest(*rows.values())
    chosen = [one for turn in turns for one in turn if one is not None][:EXAMPLES]
    return tuple(_example(one, requests) for one in chosen)


def _example(one: Observation, requests: tuple[str, ...]) -> Example:
    return Example(
        one.id,
        requests[one.request],
        round(one.started, 4),
        round(one.latency, 6),
        one.status,
        one.pod or one.workload,
        one.error,
        one.headers,
    )
