"""The arms of a route: its destinations with their shares, and its mirrors."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction

from meshproof.border.expectation import Arm, Copy
from meshproof.border.request import HashKey
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.virtual_service import Destination, HeaderChanges, HttpRoute, RouteDestination
from meshproof.mesh.predict.destinations import Backend, Lack, backend, meant, resolved, target_port
from meshproof.mesh.predict.header_effect import authority, effect, with_exact
from meshproof.mesh.predict.match import Client
from meshproof.mesh.predict.policies.client_tls import origination
from meshproof.mesh.predict.policies.consistent_hash import default_keys, hashing, route_keys
from meshproof.mesh.predict.policies.policy import policy
from meshproof.mesh.predict.proxy.changes import UNCHANGED, at_clients, at_pods
from meshproof.records import dataclass


@dataclass(frozen=True, slots=True)
class _Drawn:
    """One destination of a route; `changes` are the header changes of the entries that lead to it."""

    target: RouteDestination
    backend: Backend
    share: Fraction = Fraction(0)
    changes: tuple[HeaderChanges, ...] = ()


def arm(mesh: Mesh, destination: Destination, client: Client) -> Arm:
    """A destination that no VirtualService chose."""
    whole = RouteDestination(destination, 0, HeaderChanges(), destination.location)
    drawn = _Drawn(whole, backend(mesh, destination, client), Fraction(1))
    return _plain(mesh, client, drawn, [], default_keys(mesh, destination, client))


def arms(mesh: Mesh, route: HttpRoute, client: Client, own_authority: str) -> tuple[Arm, ...]:
    """The destinations of a route with their shares, which sum to one.

    The weight of a lone destination does not count. Entries that lead to the same destination are
    one arm; nothing is expected of its headers where they change them differently. `own_authority`
    is the Host that the route itself sets.
    """
    total = sum(one.weight for one in route.destinations)
    drawn: dict[tuple[str, str, int], _Drawn] = {}
    for one in route.destinations:
        share = Fraction(1) if len(route.destinations) == 1 else Fraction(one.weight, total)
        aim = resolved(mesh, one.destination, client)
        found = backend(mesh, aim, client, route.missing_status)
        # An entry without weight leaves no trace in Envoy.
        changes = (one.headers,) if share else ()
        key = (aim.host, aim.subset, found.port)
        if first := drawn.get(key):
            merged = tuple(dict.fromkeys(first.changes + changes))
            drawn[key] = _Drawn(first.target, first.backend, first.share + share, merged)
        else:
            target = one if aim is one.destination else replace(one, destination=aim)
            drawn[key] = _Drawn(target, found, share, changes)
    names = [(one.backend.name, one.backend.port) for one in drawn.values()]
    keys = route_keys(mesh, route, client)
    plain = ((one, _plain(mesh, client, one, names, keys)) for one in drawn.values())
    return tuple(_with_headers(found, route, one, own_authority) for one, found in plain)


def copies(mesh: Mesh, route: HttpRoute, client: Client) -> Iterator[Copy]:
    """The mirrors of a route."""
    for mirror in route.mirrors:
        aim = resolved(mesh, mirror.destination, client)
        found = backend(mesh, aim, client)
        force = policy(mesh, aim.host, aim.subset, found.port, client)
        share, where, places = mirror.share, mirror.location, found.localities
        to = target_port(mesh, aim.host, found)
        yield Copy(found.name, share, found.workloads, where, found.note, found.port, force, aim.host, places, to)


def _plain(mesh: Mesh, client: Client, drawn: _Drawn, names: list[tuple[str, int]], keys: tuple[HashKey, ...]) -> Arm:
    found, aim = drawn.backend, drawn.target.destination
    name = found.name
    if names.count((name, found.port)) > 1:
        # A host that is no Service may be written as the short name of one.
        name = f"{aim.host}/{aim.subset}" if aim.subset else aim.host
    elif [one for one, _ in names].count(name) > 1:
        name = f"{name}:{found.port}"
    force = policy(mesh, aim.host, aim.subset, found.port, client)
    where = drawn.target.location
    called = (aim.host, aim.subset, found.port)
    return Arm(
        name,
        drawn.share,
        found.workloads,
        where,
        found.note,
        found.port,
        force,
        host=aim.host,
        status=found.status,
        hashed_by=hashing(mesh, called, found.workloads, keys, client),
        localities=found.localities,
        tls=origination(mesh, *called, client) if found.workloads else None,
        meant=meant(mesh, aim.host) if found.lack is Lack.SERVICE else "",
        target=target_port(mesh, aim.host, found),
    )


def _with_headers(plain: Arm, route: HttpRoute, drawn: _Drawn, own_authority: str) -> Arm:
    if len(drawn.changes) != 1:
        return plain
    whole, own = route.headers, drawn.changes[0]
    if whole == own == UNCHANGED and not own_authority:
        return plain
    if len(route.destinations) == 1:
        request, response = effect([[whole.request, own.request]]), effect([[whole.response, own.response]])
    else:
        request, response = effect([[own.request], [whole.request]]), effect([[own.response], [whole.response]])
    host = own_authority or authority(own.request)
    if host:
        request = with_exact(request, ("host", host))
    at_both = at_pods(request), at_clients(response)
    if at_both == (plain.request_headers, plain.response_headers):
        return plain
    return replace(plain, request_headers=at_both[0], response_headers=at_both[1])
