"""Requests that show what each rule does, for when a person names none.

A sample is only taken when `predict` sends it to the rule that it is for.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from itertools import chain, islice

from meshproof.border.expectation import Expectation
from meshproof.border.request import Request, Tls
from meshproof.border.source import DEFAULT_CLIENT, Source
from meshproof.collector import collector_paused
from meshproof.errors import Location
from meshproof.manifest.resource import Notice
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.topic import Topic
from meshproof.mesh.model.virtual_service import MESH_GATEWAY, HttpRoute
from meshproof.mesh.predict.mesh_table import HANDSHAKE
from meshproof.mesh.predict.prediction import predict
from meshproof.mesh.requests.addresses import kept_out
from meshproof.mesh.requests.authorization import NOT_FOUND, permitted, shown
from meshproof.mesh.requests.clients.unruled import addressed, uncalled, unruled
from meshproof.mesh.requests.completing import answerable, as_call
from meshproof.mesh.requests.connections import beside, connections, why_unconnected
from meshproof.mesh.requests.matching import requests_of
from meshproof.mesh.requests.overlaps.avoiding import reaching_beyond
from meshproof.mesh.requests.reaching.sought import Sought
from meshproof.mesh.requests.reaching.unreached import unreached

MOST_TRIES = 48


@collector_paused()
def sample_requests(
    mesh: Mesh,
    client: Source = DEFAULT_CLIENT,
    *,
    tls: Tls | None = None,
    among: Collection[Location] | None = None,
    called: Collection[str] | None = None,
) -> tuple[tuple[Request, ...], tuple[Notice, ...]]:
    """One request for each rule and gateway that leads to it, in the manifests' order, and what no rule decides.

    Requests within the mesh are those of `client`. `tls` is what it brings to handshakes; without, it trusts the
    certificate that a Gateway's Secret holds. `among` names the rules to show within the mesh (None: all rules, at all
    gateways, and what no rule decides); of what no rule decides are shown the Services of the hosts that are `called`
    (None: all).
    """
    several, notices = _of_policies(mesh, tls) if among is None else ([], [])
    requests = [_answerable(mesh, predict(mesh, one, client), client) for one in several]
    for virtual_service in mesh.virtual_services:
        for route in virtual_service.http:
            if among is not None and route.location not in among:
                continue
            sought = Sought(mesh, virtual_service, route, client, tls)
            reaching = list(_reaching(sought, within=among is not None))
            requests += [_answerable(mesh, one, client) for one in reaching]
            if among is not None:
                continue
            if not reaching and (refused := _refused(sought)):
                requests.append(_answerable(mesh, refused, client))
                text = f"only that clients are refused is verified of this rule, no answer: {refused.note}"
                notices.append(Notice(route.location, text))
            elif not reaching:
                beyond = _kept_out(sought)
                requests += [_answerable(mesh, predict(mesh, one, client), client) for one in beyond]
                notices.append(unreached(sought))
        for connection in virtual_service.connections:
            if among is None or connection.location in among:
                reached = connections(mesh, virtual_service, connection, client, tls, within=among is not None)
                # A connection is answered as it is.
                requests += [*reached, *beside(mesh, reached, connection, client)]
                if among is None and not reached:
                    notices.append(why_unconnected(mesh, virtual_service, connection, client))
    if among is None:
        requests += [_answerable(mesh, one, client) for one in unruled(mesh, client, called)]
        requests += [_answerable(mesh, one, client) for one in uncalled(mesh, client, requests, called)]
        requests += [_answerable(mesh, one, client) for one in addressed(mesh, client, called)]
    return tuple(dict.fromkeys(requests)), tuple(notices)


def _of_policies(mesh: Mesh, tls: Tls | None) -> tuple[list[Request], list[Notice]]:
    """Requests for the rules of policies at gateways, and which of these none was found for."""
    several = list(shown(mesh, tls))
    reached = {one.place for one in several if one.request}
    lacking = dict.fromkeys(one.place for one in several if one.place not in reached)
    return [one.request for one in several if one.request], [
        Notice(place, NOT_FOUND, Topic.NOT_SHOWN) for place in lacking
    ]


def _answerable(mesh: Mesh, found: Expectation, client: Source) -> Request:
    """The request of an expectation so that what it reaches can answer it."""
    call = as_call(mesh, found)
    if call is not None:
        made = predict(mesh, call, client)
        found = made if call.is_call and (made.route, made.undecided) == (found.route, found.undecided) else found
    return answerable(mesh, found)


def _reaching(sought: Sought, *, within: bool) -> Iterator[Expectation]:
    """What is expected of the first request sent to the route at each gateway (`within`: in the mesh alone)."""
    mesh, route, client = sought.mesh, sought.route, sought.client
    for gateway in sought.virtual_service.gateways:
        if within and gateway != MESH_GATEWAY:
            continue
        tries = list(islice(sought.tries(gateway), MOST_TRIES))
        found = first_reaching(mesh, route, tries, client)
        found = found or reaching_beyond(mesh, sought.virtual_service, route, tries, client)
        if found is not None:
            yield found


def _refused(sought: Sought) -> Expectation | None:
    """What becomes of the first request that is meant for the route, when a handshake comes to nothing before it."""
    for gateway in sought.virtual_service.gateways:
        first = next(sought.tries(gateway), None)
        found = sought.expectation(first) if first else None
        if found and found.refused == HANDSHAKE:
            return found
    return None


def _kept_out(sought: Sought) -> Iterator[Request]:
    """Requests for a rule whose gateways serve its hosts for other namespaces alone: what is answered instead."""
    mesh, route = sought.mesh, sought.route
    for gateway in sought.virtual_service.gateways:
        for address in islice(kept_out(mesh, sought.virtual_service, gateway, sought.tls), 1):
            for match in (route.matches or (None,))[:1]:
                yield from islice(requests_of(mesh, route, match, address), 1)


def first_reaching(mesh: Mesh, route: HttpRoute, tries: Iterable[Request], client: Source) -> Expectation | None:
    """What is expected of the first of some requests of a client that is sent to the route, among the first 48."""
    undecided: Expectation | None = None
    meant = list(islice(tries, MOST_TRIES))
    for request in chain(meant, islice(permitted(mesh, meant), MOST_TRIES)):
        found = predict(mesh, request, client)
        if found.route == route.location and not found.undecided:
            return found
        undecided = undecided or (found if found.route == route.location else None)
    return undecided
