"""What was predicted of a request beside what happened."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from meshproof.border.expectation import Arm, Expectation
from meshproof.border.observation import Observation
from meshproof.judge.own_answer import is_own, unreachable
from meshproof.judge.sequential.statistics import confidence_sequence
from meshproof.judge.wording import answer
from meshproof.language.words import ENGLISH, Words
from meshproof.records import dataclass
from meshproof.run.explaining.flags import Flag, flags
from meshproof.run.explaining.sending import Sent

ALPHA = 0.001


@dataclass(frozen=True, slots=True)
class Row:
    """One way in which a request can end: its predicted share (None: it was not predicted), and how often it did.

    `agrees` False: the count rules the share out, at α = 0.001 for all rows together.
    """

    what: str
    share: float | None
    count: int
    agrees: bool
    statuses: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Happened:
    """All rows, for the copies too, of a request that was sent `sent` times; `note` says what is not compared."""

    sent: int
    rows: tuple[Row, ...]
    copies: tuple[Row, ...]
    flags: tuple[Flag, ...]
    note: str = ""

    @property
    def agrees(self) -> bool:
        """Whether nothing happened that is ruled out by what was predicted."""
        return all(row.agrees for row in (*self.rows, *self.copies))


@dataclass(frozen=True, slots=True)
class _Way:
    """One way in which a request is predicted to end: answered by these workloads, or by the proxy itself."""

    what: str
    share: float
    workloads: frozenset[str] = frozenset()
    status: int = 0
    said: int | None = None
    refused: bool = False

    def took(self, one: Observation) -> bool:
        if self.refused:
            return not one.status
        if self.status:
            return is_own(one, self.status, self.said)
        return one.workload in self.workloads


def happened(expectation: Expectation, sent: Sent, words: Words = ENGLISH) -> Happened:
    """The comparison; where it cannot be told what becomes of a request, nothing is predicted."""
    ways = _merged(list(_ways(expectation, words)), words)
    total = len(sent.observations)
    counts: Counter[int] = Counter()
    statuses: dict[int, Counter[int]] = {}
    others: Counter[str] = Counter()
    for one in sent.observations:
        at = next((number for number, way in enumerate(ways) if way.took(one)), None)
        if at is None:
            others[answer(one)] += 1
        else:
            counts[at] += 1
            statuses.setdefault(at, Counter())[one.status] += 1
    copies = [*_copies(expectation, sent, words)]
    drawn = expectation.independent and not expectation.undecided
    alpha = ALPHA / max(1, len(ways) + len(copies))
    rows = [
        Row(
            way.what,
            way.share,
            counts[at],
            not drawn or fits(counts[at], total, way.share, alpha),
            tuple(statuses.get(at, Counter()).most_common()),
        )
        for at, way in enumerate(ways)
    ]
    rows += [Row(what, None, count, bool(expectation.undecided)) for what, count in others.most_common()]
    return Happened(
        total,
        tuple(rows),
        tuple(Row(what, share, count, fits(min(count, total), total, share, alpha)) for what, share, count in copies),
        tuple(flags(sent.books.proxies)),
        expectation.undecided or expectation.dependence,
    )


def fits(count: int, total: int, share: float, alpha: float) -> bool:
    """Whether a count may well be one of independent draws with this share."""
    if share in (0.0, 1.0):
        return count == round(share * total)
    low, high = confidence_sequence(count, total, alpha)
    return low <= share <= high


def _ways(expectation: Expectation, words: Words) -> Iterator[_Way]:
    if expectation.undecided:
        return
    if expectation.refused:
        steps = {"connection": words("connection"), "handshake": words("handshake")}
        step = steps.get(expectation.refused, expectation.refused)
        yield _Way(words("its {step} is refused", step=step), 1.0, refused=True)
        return
    abort = expectation.abort
    rest = 1.0 - (float(abort.share) if abort else 0.0)
    if abort and abort.share:
        share = float(abort.share)
        what = words("answered {status} by fault.abort", status=abort.status)
        yield _Way(what, share, frozenset(), abort.status, abort.grpc_status)
    if expectation.status:
        what = words("answered {status} by the proxy", status=expectation.status)
        yield _Way(what, rest, status=expectation.status)
    for arm in expectation.arms:
        yield _way(expectation, arm, rest * float(arm.share), words)


def _way(expectation: Expectation, arm: Arm, share: float, words: Words) -> _Way:
    if arm.workloads:
        return _Way(arm.destination, share, arm.workloads)
    status, said = unreachable(expectation, arm.status or 503)
    if expectation.request.is_tcp:
        return _Way(f"{arm.destination}: {words('the connection is closed')}", share, refused=True)
    what = words("answered {status} by the proxy", status=status)
    return _Way(f"{arm.destination}: {what}", share, status=status, said=said)


def _merged(ways: Sequence[_Way], words: Words) -> list[_Way]:
    """What cannot be told apart by who answers is one way."""
    found: list[_Way] = []
    for way in ways:
        for at, known in enumerate(found):
            same = known.workloads & way.workloads or (way.status and known.status == way.status)
            if same or (way.refused and known.refused):
                both = known.workloads | way.workloads
                what = words("{one} or {other}", one=known.what, other=way.what)
                found[at] = _Way(what, known.share + way.share, both, way.status, way.said, way.refused)
                break
        else:
            found.append(way)
    return found


def _copies(expectation: Expectation, sent: Sent, words: Words) -> Iterator[tuple[str, float, int]]:
    """Mirrors whose workloads get nothing else, with what these received."""
    drawn = {key for arm in expectation.arms for key in arm.workloads}
    for copy in expectation.copies:
        others = {key for each in expectation.copies if each is not copy for key in each.workloads}
        if copy.workloads and copy.workloads.isdisjoint(drawn | others):
            count = sum(book.received for book in sent.books.pods if book.workload in copy.workloads)
            yield words("copied to {destination}", destination=copy.destination), float(copy.share), count
