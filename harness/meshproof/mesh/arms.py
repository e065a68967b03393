"""The arms of a route: its destinations with their shares, and its mirrors."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

from meshproof.border.expectation import Arm, Copy
from meshproof.errors import Location
from meshproof.mesh.destinations import Backend, backend
from meshproof.mesh.header_effect import authority, effect, with_exact
from meshproof.mesh.model import Destination, HttpRoute, Mesh, RouteDestination
from meshproof.mesh.policy import policy


@dataclass(frozen=True, slots=True)
class _Drawn:
    target: RouteDestination
    backend: Backend
    share: Fraction


def arm(mesh: Mesh, destination: Destination, share: Fraction, request_port: int) -> Arm:
    """A lone destination as an arm, without header changes."""
    found = backend(mesh, destination, request_port)
    return _plain(mesh, destination, found, share, destination.location)


def arms(mesh: Mesh, route: HttpRoute, request_port: int, own_authority: str) -> tuple[Arm, ...]:
    """The destinations of a route with their shares, which sum to one.

    The weight of a lone destination does not count. Destinations that are the same are one arm,
    unless they change headers differently; `own_authority` is the Host that the route itself sets.
    """
    total = sum(one.weight for one in route.destinations)
    drawn: dict[object, _Drawn] = {}
    for one in route.destinations:
        lone = len(route.destinations) == 1
        share = Fraction(1) if lone else Fraction(one.weight, total)
        found = backend(mesh, one.destination, request_port)
        # A weight of 0 leaves no trace in Envoy: its headers do not keep it apart.
        key = (found.name, found.port, *((one.headers,) if share else ()))
        first = drawn.get(key)
        drawn[key] = replace(first, share=first.share + share) if first else _Drawn(one, found, share)
    several = list(drawn.values())
    names = [one.backend.name for one in several]
    return tuple(
        _with_headers(
            _plain(mesh, one.target.destination, one.backend, one.share, one.target.location, names),
            route,
            one.target,
            own_authority,
        )
        for one in several
    )


def copies(mesh: Mesh, route: HttpRoute, request_port: int) -> Iterator[Copy]:
    """The mirrors of a route."""
    for mirror in route.mirrors:
        found = backend(mesh, mirror.destination, request_port)
        yield Copy(found.name, mirror.share, found.workloads, mirror.location, found.note, found.port)


def _plain(
    mesh: Mesh,
    destination: Destination,
    found: Backend,
    share: Fraction,
    location: Location,
    names: list[str] | None = None,
) -> Arm:
    name = f"{found.name}:{found.port}" if names and names.count(found.name) > 1 else found.name
    force = policy(mesh, destination.host, destination.subset, found.port)
    return Arm(name, share, found.workloads, location, found.note, found.port, force)


def _with_headers(plain: Arm, route: HttpRoute, target: RouteDestination, own_authority: str) -> Arm:
    whole, own = route.headers, target.headers
    if len(route.destinations) == 1:
        request, response = effect([[whole.request, own.request]]), effect([[whole.response, own.response]])
    else:
        request, response = (
            effect([[own.request], [whole.request]]),
            effect([[own.response], [whole.response]]),
        )
    host = own_authority or authority(own.request)
    if host:
        request = with_exact(request, ("host", host))
    return replace(plain, request_headers=request, response_headers=response)
