"""Each request of each intent, decided by prediction."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from meshproof.border.expectation import Expectation
from meshproof.border.intents.intent import Case, Intent
from meshproof.border.request import Request
from meshproof.border.verdict import Outcome
from meshproof.errors import ManifestError, Problem, UsageError
from meshproof.intents.decide import faults
from meshproof.intents.view import View
from meshproof.intents.words import predicted, taken
from meshproof.mesh.model.kubernetes import CLUSTER_DOMAIN
from meshproof.mesh.model.unmodelled import Unmodelled
from meshproof.mesh.requests.answerable import unresolved_name, why_unanswered


def decided(view: View, intents: Sequence[tuple[int, Intent]]) -> tuple[Case, ...]:
    """Every request of some intents, each with its number; `view` is that of the usual client.

    Raises ManifestError with the places of all intents whose client or requests cannot be understood.
    """
    found: list[Case] = []
    problems: list[Problem] = []
    views = {"": view}
    for number, intent in intents:
        try:
            if intent.client not in views:
                views[intent.client] = view.of(intent.client)
            found += _cases(views[intent.client], number, intent)
        except UsageError as error:
            if intent.location is None or isinstance(error, ManifestError):
                raise
            problems.append(Problem(intent.location, str(error)))
    if problems:
        raise ManifestError(*problems)
    return tuple(found)


def _cases(view: View, number: int, intent: Intent) -> Iterator[Case]:
    for place, written in enumerate(intent.requests):
        request = view.request(written, intent.gateway)
        expectation = view.expectation(request)
        outcome, reason = decision(view, intent, expectation)
        touching = view.touching(expectation)
        yield Case(
            number,
            intent,
            request,
            outcome,
            reason,
            predicted(expectation),
            expectation.route,
            view.client,
            tuple(one.location for one in touching),
            timed=intent.within is not None,
            provable=outcome is not Outcome.INCONCLUSIVE and not _lost(view, expectation),
            place=place,
        )


def decision(view: View, intent: Intent, expectation: Expectation) -> tuple[Outcome, str]:
    """Whether an intent holds for a request by what is predicted of it, and why."""
    if touching := view.touching(expectation):
        return Outcome.INCONCLUSIVE, not_understood(touching)
    if why := _lost(view, expectation):
        return Outcome.FAILED, f"nothing answers it: {why}"
    found = list(faults(view, intent, expectation))
    if not found:
        return Outcome.PASSED, f"{predicted(expectation)}, {taken(expectation)}"
    hint = "" if expectation.route else why_unanswered(view.mesh, expectation, view.client.namespace)
    reason = f"{'; '.join(found)}. Predicted: {predicted(expectation)}, {taken(expectation)}"
    return Outcome.FAILED, f"{reason} ({hint})" if hint and hint not in reason else reason


def not_understood(touching: Sequence[Unmodelled]) -> str:
    """What a request depends on and is not understood, in words."""
    first = touching[0]
    more = f"; and {len(touching) - 1} more" if len(touching) > 1 else ""
    return f"it depends on {first.subject} at {first.location}: {first.why}{more}"


def _lost(view: View, expectation: Expectation) -> str:
    """Why a client surely finds no address for the host; empty where it may."""
    request: Request = expectation.request
    host = request.host.lower().removesuffix(".")
    if "." in host and not host.endswith(f".{CLUSTER_DOMAIN}"):
        # What a name of elsewhere leads to is not known here, so an intent is taken at its word.
        return ""
    if not unresolved_name(view.mesh, request, view.client.namespace):
        return ""
    return why_unanswered(view.mesh, expectation, view.client.namespace)
