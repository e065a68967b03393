"""Requests for a rule that would be taken by an earlier one, changed until that one does not take them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain, islice, takewhile

from meshproof.border.expectation import Expectation
from meshproof.border.request import Request
from meshproof.border.source import Source
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.virtual_service import HttpRoute, VirtualService
from meshproof.mesh.predict.covering import covers
from meshproof.mesh.predict.prediction import predict
from meshproof.mesh.requests.beside import apart
from meshproof.mesh.requests.boundaries import condition_boundaries
from meshproof.mesh.requests.overlaps.meeting import meets

# So many earlier rules are avoided at once.
MOST_AVOIDED = 2
MOST_BASES = 4
MOST_TRIES = 48


def reaching_beyond(
    mesh: Mesh, virtual_service: VirtualService, route: HttpRoute, tries: Iterable[Request], client: Source
) -> Expectation | None:
    """What is expected of a client's request that is sent to the route, made of `tries`, which are meant for it.

    None if none is found. Only rules of the route's own VirtualService are avoided.
    """
    found = list(islice(tries, MOST_BASES))
    if _is_hidden(mesh, virtual_service, route, found, client):
        return None
    for _ in range(MOST_AVOIDED):
        several = chain.from_iterable(_beyond(mesh, virtual_service, route, one, client) for one in found)
        found = list(islice(dict.fromkeys(several), MOST_TRIES))
        for request in found:
            expected = predict(mesh, request, client)
            if expected.route == route.location and not expected.undecided:
                return expected
    return None


def _is_hidden(
    mesh: Mesh, virtual_service: VirtualService, route: HttpRoute, bases: Iterable[Request], client: Source
) -> bool:
    """Whether those rules that take what is meant for the route surely take all that it could: nothing avoids them."""
    if virtual_service.gateway_api:
        # Its entries stand in another order.
        return False
    taken = {predict(mesh, one, client).route for one in bases}
    before = takewhile(lambda rule: rule is not route, virtual_service.http)
    wide = [rule for rule in before if rule.location in taken and not rule.missing]
    return all(
        any(covers(match, own) for rule in wide for match in rule.matches or (None,))
        for own in route.matches or (None,)
    )


def _beyond(
    mesh: Mesh, virtual_service: VirtualService, route: HttpRoute, request: Request, client: Source
) -> Iterator[Request]:
    """The request with one thing changed that the rule which takes it asks for."""
    taken = predict(mesh, request, client).route
    for rule in virtual_service.http:
        if rule.location == taken:
            for match in rule.matches:
                if meets(match, request):
                    for own in route.matches or (None,):
                        yield from apart(request, own, match)
                    yield from condition_boundaries(request, match)
