"""Rules that take some requests both, and neither takes all of the other's: their order alone decides those."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice

from meshproof.border.request import Request
from meshproof.lint.check import Check, Found, Severity
from meshproof.lint.checks.order.entries import entries, head_of
from meshproof.lint.folder import Folder
from meshproof.mesh.model.index import grouped
from meshproof.mesh.model.virtual_service import MESH_GATEWAY, HttpRoute, MatchKind, RouteMatch, VirtualService
from meshproof.mesh.predict.covering import covers
from meshproof.mesh.predict.entries import Rule
from meshproof.mesh.requests.addresses import Address, addresses, covered_by
from meshproof.mesh.requests.matching import requests_of
from meshproof.mesh.requests.overlaps.meeting import meeting, meets

# Of one VirtualService so many pairs are compared, and for so many of them a request is looked for, with so many tries.
MOST_PAIRS, MOST_SOUGHT, MOST_BASES, MOST_TRIES = 20_000, 200, 2, 8


def overlapping(folder: Folder) -> Iterator[Found]:
    """Pairs of rules by one request that both would take."""
    for one in folder.mesh.virtual_services:
        if one.gateway_api or len(one.http) < 3:
            # Of two rules the last one is for the rest, as a rule.
            continue
        told: set[tuple[int, int]] = set()
        several = entries(one)
        for first, second in islice(_partial(several), MOST_SOUGHT):
            before, after = several[first], several[second]
            routes = (id(before.route), id(after.route))
            if routes in told or not {before.route.location, after.route.location}.isdisjoint(folder.half_read):
                continue
            request = _both(folder, one, several, first, second)
            if request is not None:
                told.add(routes)
                other = before.route.location
                text = f"{_shown(request)} meets this rule and the one in line {other.line}, which stands before it"
                yield Found(after.route.location, text, other)


def _partial(several: Sequence[Rule]) -> Iterator[tuple[int, int]]:
    """Pairs of entries that lead to different places, and of which none covers the other."""
    for first, second in islice(_pairs(several), MOST_PAIRS):
        before, after = several[first], several[second]
        if before.route is not after.route and _is_partial(before, after):
            yield first, second


def _pairs(several: Sequence[Rule]) -> Iterator[tuple[int, int]]:
    """Entries whose paths may begin alike, the earlier one of which has a condition on it."""
    heads = [head_of(rule) for rule in several]
    by_path = [number for number, rule in enumerate(several) if rule.match and rule.match.uri]
    at = grouped((heads[number], number) for number in by_path)
    without = [number for number, rule in enumerate(several) if rule.match and not rule.match.uri]
    for number in by_path:
        head = heads[number]
        for length in range(len(head) + 1):
            for other in at.get(head[:length], ()):
                if other != number and (length < len(head) or other < number):
                    yield min(number, other), max(number, other)
        yield from ((number, other) for other in without if other > number)


def _is_partial(before: Rule, after: Rule) -> bool:
    one, other = before.match, after.match
    # A rule for all paths before others is an exception to them, as it was meant.
    if one is None or other is None or _does(before.route) == _does(after.route):
        return False
    # What one rule excepts by withoutHeaders makes it none the less the general one of the two.
    wide, rest = replace(one, without_headers=()), replace(other, without_headers=())
    return not (_apart(one, other) or covers(wide, other) or covers(rest, one))


def _apart(one: RouteMatch, other: RouteMatch) -> bool:
    """Whether two entries are plainly for different requests, so that none need be looked for."""
    if one.uri and other.uri and {one.uri.kind, other.uri.kind} == {MatchKind.EXACT}:
        return one.uri.value.lower() != other.uri.value.lower()
    if one.method and other.method and {one.method.kind, other.method.kind} == {MatchKind.EXACT}:
        return one.method.value != other.method.value
    theirs = dict(other.headers)
    exact = (
        (condition, theirs[name])
        for name, condition in one.headers
        if name in theirs and {condition.kind, theirs[name].kind} == {MatchKind.EXACT}
    )
    return any(ours.value != given.value for ours, given in exact)


def _does(route: HttpRoute) -> tuple[object, ...]:
    """What a rule does with a request, as far as that tells two rules apart."""
    aims = tuple(
        (one.destination.host, one.destination.subset, one.destination.port, one.weight) for one in route.destinations
    )
    return aims, route.redirect, route.direct_response, route.rewrite


def _both(folder: Folder, one: VirtualService, several: Sequence[Rule], first: int, second: int) -> Request | None:
    """A request that both entries would take, and no entry before them."""
    before, after = several[first], several[second]
    for address in islice(_addresses(folder, one), 1):
        for base in islice(requests_of(folder.mesh, after.route, after.match, address), MOST_BASES):
            for request in islice(meeting(base, after.match, before.match), MOST_TRIES):
                if not any(meets(rule.match, request) for rule in several[:first]):
                    return request
    return None


def _addresses(folder: Folder, one: VirtualService) -> Iterator[Address]:
    for gateway in one.gateways:
        yield from addresses(folder.mesh, one, gateway, one.namespace)
    pattern = one.hosts[0] if MESH_GATEWAY in one.gateways else "*"
    yield Address(pattern, covered_by(folder.mesh, pattern), 80)


def _shown(request: Request) -> str:
    headers = "".join(f" {name}:{value}" for name, value in request.headers)
    return f"{request.method} {request.path}{headers}"


CHECKS = (
    Check(
        "MP032",
        Severity.INFO,
        "The order of two overlapping rules decides",
        "Make sure that the order is meant, or make the conditions exclude each other.",
        overlapping,
    ),
)
