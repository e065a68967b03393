"""Requests that pods do not let in from the usual client, sent by one whom they do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from meshproof.border.expectation import Expectation
from meshproof.border.source import Source
from meshproof.mesh.coverage.facts import facts
from meshproof.mesh.requests.clients.let_in import named_by_policies
from meshproof.mesh.requests.clients.sources import MOST_CLIENTS, as_called_by
from meshproof.run.verification.specification import Specification


def by_who_is_let_in(
    specification: Specification, several: Iterable[Expectation], *, probing: bool
) -> Iterator[tuple[Expectation, Expectation, Source]]:
    """Each of what is expected of the usual client, with what is expected of the first workload that is let in.

    That is the usual client itself, and the same, where nobody is. Of what is surely let in from nobody, probes are
    left out: no answer shows where a rule ends that policies end before.
    """
    mesh, usual = specification.mesh, specification.client
    named = named_by_policies(mesh, mesh.authorization_policies)
    clients = [*dict.fromkeys(one for one in named if one != usual)][:MOST_CLIENTS]
    for one in several:
        known = _let_in(specification, one)
        found = None if known or one.request.gateway else next(_by_others(specification, one, clients), None)
        if found is not None:
            yield one, *found
            # The next request is likely to be for the same pods.
            clients.remove(found[1])
            clients.insert(0, found[1])
        elif known is not False or not probing:
            yield one, one, usual


def _by_others(
    specification: Specification, one: Expectation, clients: Iterable[Source]
) -> Iterator[tuple[Expectation, Source]]:
    for client in clients:
        theirs = replace(specification, client=client)
        found = theirs.expectation(as_called_by(specification.mesh, one.request, specification.client, client))
        if found.route == one.route and _let_in(theirs, found):
            yield found, client


def _let_in(specification: Specification, one: Expectation) -> bool | None:
    if not specification.mesh.authorization_policies:
        return True
    from meshproof.mesh.coverage.received import let_in

    return let_in(specification.mesh, facts(specification.mesh, one, specification.client))
