"""Changes of requests shown on real Envoys: each side does what was predicted of it, and not what was of the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from meshproof.border.expectation import Expectation
from meshproof.border.prescription import Prescription
from meshproof.border.request import Request
from meshproof.border.source import Source, source
from meshproof.diff.comparison import Change
from meshproof.diff.let_in import LET_IN
from meshproof.diff.search import as_served
from meshproof.diff.sides import Side
from meshproof.judge.limits import first_limit
from meshproof.judge.retries_timeouts.outcome import Try, endings
from meshproof.mesh.model.index import grouped
from meshproof.mesh.predict.prediction import predict
from meshproof.records import dataclass
from meshproof.run.explaining.judged import DELAY, JUDGES, RETRIES, TIMEOUT, TIMES
from meshproof.run.explaining.sending import Sent, Several, send
from meshproof.run.verification.asked_answers import LEAST, LONGEST, MARGIN, asking_for, telling_apart
from meshproof.run.verification.breakers.policies import without_policies
from meshproof.targets.base import Target

MOST = 24
COUNT = 200
# What tells two delays apart is the quickest of so many.
SLOWLY = 8


@dataclass(frozen=True, slots=True)
class Proof:
    """A change with what was seen of it; `shown` False: it was not, and `why` says what was seen instead."""

    change: Change
    shown: bool
    why: str = ""


@dataclass(frozen=True, slots=True)
class _Tried:
    """A change (its number), the request that shows it, and how often that is sent."""

    at: int
    about: str
    request: Request
    count: int = COUNT


async def prove(
    target: Callable[[], Target], sides: tuple[Side, Side], changes: Sequence[Change], namespace: str
) -> list[Proof]:
    """Send what shows each change to a mesh of either side; raises TargetError."""
    proofs: dict[int, Proof] = {}
    chosen: list[tuple[tuple[Source, bool], _Tried]] = []
    for at, one in enumerate(changes):
        client = one.source or source(namespace)
        found = _tried(at, one, [_expected(side, one.requests[0], client) for side in sides])
        if isinstance(found, str):
            proofs[at] = Proof(one, False, found)
        elif len(chosen) == MOST:
            proofs[at] = Proof(one, False, f"only the first {MOST} are tried")
        else:
            chosen.append(((client, one.about in (TIMEOUT, RETRIES)), found))
    for (client, asking), several in grouped(chosen).items():
        # Breakers would refuse what fails and what is slow; they have loads of their own in a verification.
        own = [_without_policies(side) if asking else side for side in sides]
        expected = [tuple(_expected(side, one.request, client) for side in own) for one in several]
        seen = [await _seen(target(), side, several, expected, client) for side in own]
        for one, both, old, new in zip(several, expected, *seen, strict=True):
            why = _why_not(one, both, (old, new))
            proofs[one.at] = Proof(changes[one.at], not why, why)
    return [proofs[at] for at in range(len(changes))]


def _without_policies(side: Side) -> Side:
    return replace(side, built=replace(side.built, mesh=without_policies(side.mesh)))


def _expected(side: Side, request: Request, client: Source) -> Expectation:
    own = as_served(side.mesh, request, side.other)
    return predict(side.mesh, own, client)


def _tried(at: int, change: Change, both: Sequence[Expectation]) -> _Tried | str:
    """What shows a change, or why nothing does."""
    about, request = change.about, change.requests[0]
    if about == LET_IN:
        return "this mesh has no sidecars before pods, which would refuse it: read, and not shown"
    if about not in JUDGES:
        return "no single requests show it: meshproof verify does"
    if about == DELAY:
        certain = all(one.delay is None or one.delay.share in (0, 1) for one in both)
        longest = max(one.delay.seconds for one in both if one.delay)
        if not certain or longest > LONGEST:
            return "only delays of every request, of 5 s at most, are tried"
        return _Tried(at, about, request, SLOWLY)
    if about not in (TIMEOUT, RETRIES):
        return _Tried(at, about, request)
    if any(one.request.is_tcp or not one.independent or one.abort for one in both):
        return "it does not follow from the request alone how it ends"
    for said in _prescribed(about, both):
        ends = [set(endings(one, _always(said))) for one in both]
        if not ends[0] & ends[1]:
            return _Tried(at, about, asking_for(request, said), TIMES)
    return "no answer of a pod within 5 s tells the two sides apart"


def _always(said: Prescription) -> Callable[[int], Try]:
    return lambda _: Try(said.status, said.seconds, said.grpc_status)


def _prescribed(about: str, both: Sequence[Expectation]) -> Iterator[Prescription]:
    """Answers that may end otherwise by the one than by the other."""
    limits = sorted(limit for one in both if (limit := first_limit(one)) is not None)
    if limits and limits[0] <= LONGEST:
        between = (limits[0] + limits[-1]) / 2 if len(limits) > 1 else limits[0] + MARGIN
        if between - limits[0] >= LEAST:
            yield Prescription(200, between)
    if about == RETRIES:
        yield from dict.fromkeys(said for one in both for said in telling_apart(one))


async def _seen(
    target: Target,
    side: Side,
    several: Sequence[_Tried],
    expected: Sequence[tuple[Expectation, ...]],
    client: Source,
) -> list[Sent]:
    target.preflight()
    loads = [
        Several(as_served(side.mesh, one.request, side.other), one.count, both)
        for one, both in zip(several, expected, strict=True)
    ]
    return await send(target, side.built, loads, client)


def _why_not(tried: _Tried, expected: Sequence[Expectation], sent: Sequence[Sent]) -> str:
    judge = JUDGES[tried.about]
    for name, one, happened in zip(("old", "new"), expected, sent, strict=True):
        if wrong := judge(one, happened):
            return f"the {name} side does otherwise than predicted: {wrong}"
    # Of what only one side adds the other one says nothing.
    if not (judge(expected[1], sent[0]) or judge(expected[0], sent[1])):
        return f"{tried.count} requests do not tell the two sides apart"
    return ""
