"""Requests that pods do not let in from the usual client, sent by one whom they do."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import islice

from meshproof.border.expectation import Expectation
from meshproof.border.source import Source
from meshproof.mesh.coverage.facts import facts
from meshproof.mesh.requests.clients.let_in import named_by_policies
from meshproof.mesh.requests.clients.sources import MOST_CLIENTS, as_called_by
from meshproof.run.verification.specification import Specification

Sends = Callable[[Source], object]


def by_who_is_let_in(
    specification: Specification, several: Iterable[Expectation], sends: Sends, *, probing: bool
) -> Iterator[tuple[Expectation, Expectation, Source]]:
    """Each of what is expected of the usual client, with what is expected of the first workload that is let in.

    `sends` says of a client whether it may send any. It is the usual client itself, and the same, where nobody is let
    in. Of what is surely let in from nobody, probes are left out: no answer shows where a rule ends that policies end
    before.
    """
    for one in several:
        known = _let_in(specification, one)
        found = None if known or one.request.gateway else next(_by_others(specification, one, sends), None)
        if found is not None:
            yield one, *found
        elif known is not False or not probing:
            yield one, one, specification.client


def _by_others(specification: Specification, one: Expectation, sends: Sends) -> Iterator[tuple[Expectation, Source]]:
    from meshproof.mesh.coverage.received import asking

    mesh, usual = specification.mesh, specification.client
    # Who is named by a policy for the pods that are reached, one after the other: others are let in by none.
    named = (one for one in named_by_policies(mesh, asking(mesh, one)) if one != usual and sends(one))
    for client in islice(named, MOST_CLIENTS):
        theirs = replace(specification, client=client)
        found = theirs.expectation(as_called_by(specification.mesh, one.request, specification.client, client))
        if found.route == one.route and _let_in(theirs, found):
            yield found, client


def _let_in(specification: Specification, one: Expectation) -> bool | None:
    if not specification.mesh.authorization_policies:
        return True
    from meshproof.mesh.coverage.received import let_in

    return let_in(specification.mesh, facts(specification.mesh, one, specification.client))
