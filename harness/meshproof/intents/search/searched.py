"""A promise held against the requests of all clients."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from meshproof.border.expectation import Arm, Copy, Expectation
from meshproof.border.intents.intent import Case, Never
from meshproof.border.request import Request
from meshproof.border.verdict import Outcome
from meshproof.errors import Location
from meshproof.intents.cases import not_understood
from meshproof.intents.conditions import Headers, condition, meets
from meshproof.intents.destinations import names, unknown
from meshproof.intents.search.requests import Asked, about, pods, unshown
from meshproof.intents.view import View
from meshproof.intents.words import predicted, taken
from meshproof.language.words import ENGLISH
from meshproof.records import dataclass

SHOWN = 3


@dataclass(frozen=True, slots=True)
class Search:
    """What a search found: the case that tells it, and the requests that the promise was held against, by client."""

    case: Case
    requests: tuple[tuple[View, tuple[Expectation, ...]], ...] = ()
    forbidden: frozenset[str] = frozenset()


def searched(number: int, never: Never, several: Sequence[Asked]) -> Search:
    """Hold a promise against all requests; raises UsageError for a condition that is none."""
    mesh = several[0].view.mesh
    exceptions = [condition(one) for one in never.exceptions]
    blank = Case(number, never, Request("GET", "", 0), Outcome.INCONCLUSIVE, "", sender=several[0].view.client)
    if why := next((why for name in never.destinations if (why := unknown(mesh, name))), ""):
        return Search(replace(blank, reason=f"{why}, so nothing could ever break this promise"))
    forbidden = frozenset(pods(mesh, never.destinations))
    several = [about(one, never.destinations, forbidden) for one in several]
    held = [(one.view, tuple(_held(one, exceptions))) for one in several]
    found = [(view, one) for view, requests in held for one in requests if _breaks(one, never, forbidden)]
    if found:
        view, first = found[0]
        more = "".join(f"; {one.request} too" for _, one in found[1:SHOWN])
        more += f"; and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
        reason = f"{first.request} reaches it: {predicted(first)}, {taken(first)}{more}"
        case = replace(blank, outcome=Outcome.FAILED, reason=reason, request=first.request, rule=first.route)
        case = replace(case, predicted=predicted(first), sender=view.client)
        return Search(case, tuple(_grouped(found[:SHOWN])), forbidden)
    total = sum(len(requests) for _, requests in held)
    if undecided := _undecided(several, exceptions, total):
        return Search(replace(blank, reason=undecided[0], depends_on=undecided[1]))
    if place := unshown(several, never.destinations, forbidden):
        why = f"no request was found that shows the rule at {place}, which leads there"
        return Search(replace(blank, reason=why, depends_on=(place,)))
    done = replace(blank, outcome=Outcome.PASSED, reason=f"none of {ENGLISH.amount(total, 'request')} reaches it")
    return Search(done, tuple(held), forbidden)


def _held(one: Asked, exceptions: Sequence[Headers]) -> Iterator[Expectation]:
    """What a promise speaks of and is understood."""
    for expectation, touching in one.expectations:
        if not touching and not _is_excepted(expectation, exceptions):
            yield expectation


def _is_excepted(expectation: Expectation, exceptions: Sequence[Headers]) -> bool:
    return any(meets(expectation.request, one) for one in exceptions)


def _undecided(
    several: Sequence[Asked], exceptions: Sequence[Headers], total: int
) -> tuple[str, tuple[Location, ...]] | None:
    """Why a promise that nothing breaks is not kept for certain; None where it is."""
    pairs = [pair for one in several for pair in one.expectations if not _is_excepted(pair[0], exceptions)]
    doubtful = [touching for _, touching in pairs if touching]
    if doubtful:
        of = f"{len(doubtful):,} of {total + len(doubtful):,} requests"
        return f"it cannot be told of {of}: {not_understood(doubtful[0])}", (doubtful[0][0].location,)
    if left := sum(one.left_out for one in several):
        return f"{left:,} requests about boundaries were too many to be tried: --thorough tries them all", ()
    if left := sum(one.clients for one in several):
        return f"the requests of {left:,} further clients were too many to be tried: name them with from", ()
    return None if total else ("no request was found that it could be held against", ())


def _breaks(one: Expectation, never: Never, forbidden: frozenset[str]) -> bool:
    """Whether a request, or a copy of it, may reach what it must not, under whatever name."""
    if one.status or one.refused or (one.abort and one.abort.share == 1):
        return False
    targets: list[Arm | Copy] = [*one.arms, *one.copies]
    for target in targets:
        called = not names(target.destination, target.host).isdisjoint(never.destinations)
        if target.share and (called or not target.workloads.isdisjoint(forbidden)):
            return True
    return False


def _grouped(found: Sequence[tuple[View, Expectation]]) -> Iterator[tuple[View, tuple[Expectation, ...]]]:
    """The requests of each view."""
    for view in {id(one): one for one, _ in found}.values():
        yield view, tuple(each for one, each in found if one is view)
