"""What the mesh itself counted while a load ran: the books that must agree with the client's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field

from meshproof.records import dataclass


@dataclass(frozen=True, slots=True)
class Received:
    """One request as a workload received it.

    `digest` is the SHA-256 of its body, hexadecimal; `at` is in seconds since the epoch, by the
    workload's clock. `http2` tells whether it came over HTTP/2 (None: a sidecar of the workload's own decides that).
    `port` is the container port that it came to (0: not told, or a sidecar of its own was before it).
    """

    id: str
    pod: str
    method: str
    path: str
    authority: str
    headers: tuple[tuple[str, str], ...]
    digest: str
    at: float
    http2: bool | None = None
    port: int = 0


@dataclass(frozen=True, slots=True)
class PodBook:
    """What one pod received since the books were opened; `high_water` is the most at once.

    `received` counts the requests that carry an id, `unidentified` those without. `requests` holds
    each of them up to the workload's cap; `forgotten` says how many are counted but not held.
    `connections` is the most connections at once.
    """

    pod: str
    workload: str
    received: int
    high_water: int
    requests: tuple[Received, ...] = ()
    connections: int = 0
    forgotten: int = 0
    unidentified: int = 0


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that the engine did or saw at a moment of the load, in seconds since the load began.

    `values` are numbers read at that moment, by name (gauges, counts).
    """

    name: str
    at: float
    values: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Stall:
    """A time in which the machine that measures stood still or was late: from when to when, in seconds of one clock."""

    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Books:
    """All books of one load: each pod's, and the growth of each proxy's counters (Envoy's own names).

    `shared` names the proxies that may serve others than this load too, whose counts are theirs as well. `marks` are
    in the order of time; `stalls` are the moments at which the machine that drives the load stood still.
    """

    pods: tuple[PodBook, ...] = ()
    proxies: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    marks: tuple[Mark, ...] = ()
    shared: frozenset[str] = frozenset()
    stalls: tuple[Stall, ...] = ()


def stalled(stalls: Sequence[Stall], start: float, end: float) -> float:
    """For how many seconds the machine stood still between two moments."""
    return sum(max(0.0, min(one.end, end) - max(one.start, start)) for one in stalls)


def added(several: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """The sum of each statistic over several proxies."""
    total: Counter[str] = Counter()
    for one in several:
        total.update(one)
    return dict(total)
