"""Requests that show what each rule of a policy does at a gateway, and that one allows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import chain, islice

from meshproof.border.request import Request, Tls
from meshproof.errors import Location
from meshproof.mesh.model.gateway import Gateway
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.names import covers
from meshproof.mesh.model.security.authorization import (
    Action,
    Attribute,
    AuthorizationPolicy,
    AuthorizationRule,
    Condition,
)
from meshproof.mesh.model.virtual_service import MatchKind, RouteMatch, StringMatch
from meshproof.mesh.predict.gateways.servers import Entry, entries
from meshproof.mesh.predict.match import matches, path_only, string_matches
from meshproof.mesh.predict.policies.authorization import path_pattern, policies_at
from meshproof.mesh.predict.prediction import predict
from meshproof.mesh.requests.addresses import Address, addresses, at
from meshproof.mesh.requests.boundaries import METHODS, condition_boundaries
from meshproof.mesh.requests.completing import completed
from meshproof.mesh.requests.example import accepted, examples
from meshproof.records import dataclass

MOST_ADDRESSES = 4
MOST_CHOICES = 16
MOST_BASES = 4
NOT_FOUND = "no request was found that shows what this rule of a policy does"


@dataclass(frozen=True, slots=True)
class Shown:
    """A rule of a policy, or one without rules, with a request that shows it at a gateway; None where none does."""

    place: Location
    rule: AuthorizationRule | None
    request: Request | None


def shown(mesh: Mesh, tls: Tls | None = None) -> Iterator[Shown]:
    """Each rule of the policies at each gateway that they select."""
    for gateway in mesh.gateways if mesh.authorization_policies else ():
        bases = list(islice(_bases(mesh, gateway, tls), MOST_ADDRESSES))
        for policy in policies_at(mesh, gateway):
            if not policy.rules:
                yield Shown(policy.location, None, _showing(mesh, policy, policy.location, bases))
            for rule in policy.rules:
                several = [adapted(base, match) for match in route_matches(rule) for base in bases]
                # What a rule exempts (notMethods, notPaths) may be what is likeliest.
                several += [other for one in several for other in _others(one)] if _exempts(rule) else []
                yield Shown(rule.location, rule, _showing(mesh, policy, rule.location, several))


def _exempts(rule: AuthorizationRule) -> bool:
    return any(one.not_values for conditions in (*rule.operations, rule.when) for one in conditions)


def _others(request: Request) -> Iterator[Request]:
    """The request by each other method, and for other paths that begin alike."""
    path, mark, query = request.path.partition("?")
    for method in dict.fromkeys((request.method, *METHODS)):
        for other in (path, f"{path}x", f"{path.rstrip('/')}/x"):
            yield replace(request, method=method, path=other + mark + query)


def probes_of(one: Shown) -> Iterator[Request]:
    """Requests about the boundaries of a rule, made of the one that shows it."""
    if one.request is None or one.rule is None:
        return
    for match in route_matches(one.rule):
        base = adapted(one.request, match)
        yield base
        yield from condition_boundaries(base, match)


def permitted(mesh: Mesh, several: Iterable[Request]) -> Iterator[Request]:
    """Some requests changed, one by one, into such as a policy of their gateway may allow."""
    if mesh.authorization_policies:
        yield from chain.from_iterable(_permitted(mesh, one) for one in islice(several, MOST_BASES))


def _permitted(mesh: Mesh, request: Request) -> Iterator[Request]:
    gateway = mesh.gateway(request.gateway) if request.gateway else None
    for policy in policies_at(mesh, gateway) if gateway else ():
        for match in chain.from_iterable(map(route_matches, policy.rules)):
            if policy.action is Action.ALLOW:
                yield adapted(request, match)
            elif matches(match, request):
                yield from condition_boundaries(request, match)


def _bases(mesh: Mesh, gateway: Gateway, tls: Tls | None) -> Iterator[Request]:
    """A plain request to each host that a gateway routes, else to each that it serves."""
    bound = mesh.bound_to(gateway.key)
    served = chain.from_iterable(addresses(mesh, one, gateway.key, gateway.namespace, tls) for one in bound)
    several = (one for one in entries(mesh, gateway) if one.gateway is gateway)
    yield from map(_plain, chain(served, _served(mesh, several, tls)))


def _served(mesh: Mesh, several: Iterable[Entry], tls: Tls | None) -> Iterator[Address]:
    return (at(mesh, entry, host, tls) for entry in several for host in entry.server.hosts)


def _plain(address: Address) -> Request:
    return Request("GET", address.host, address.port, scheme=address.scheme, gateway=address.gateway, tls=address.tls)


def _showing(mesh: Mesh, policy: AuthorizationPolicy, place: Location, several: Iterable[Request]) -> Request | None:
    """The first of some requests that a rule decides; else one of which that cannot be told."""
    undecided: Request | None = None
    for request in several:
        expected = predict(mesh, request)
        decides = place in expected.allowed_by if policy.action is Action.ALLOW else expected.route == place
        if (decides or expected.route == place) and not expected.undecided:
            return request
        undecided = undecided or (request if expected.undecided and expected.route == place else None)
    return undecided


def route_matches(rule: AuthorizationRule) -> tuple[RouteMatch, ...]:
    """Conditions of routes that say of a request what a rule says: one for each of its values."""
    several = (
        match for operation in rule.operations or ((),) for match in _matches((*operation, *rule.when), rule.location)
    )
    return tuple(islice(several, MOST_CHOICES))


def _matches(conditions: tuple[Condition, ...], location: Location) -> Iterator[RouteMatch]:
    wanted = {one: one.values[0] for one in conditions if one.values}
    yield _match(wanted, location)
    for one in conditions:
        for value in (*one.values[1:], *one.not_values):
            yield _match({**wanted, one: value}, location)


def _match(wanted: dict[Condition, str], location: Location) -> RouteMatch:
    found = RouteMatch(location)
    for condition, value in wanted.items():
        text = _string_match(value, condition)
        if condition.attribute is Attribute.PATH and value != "*":
            found = replace(found, uri=text)
        elif condition.attribute is Attribute.METHOD and value != "*":
            found = replace(found, method=text)
        elif condition.attribute is Attribute.HOST and value != "*":
            found = replace(found, authority=text)
        elif condition.attribute is Attribute.HEADER:
            found = replace(found, headers=(*found.headers, (condition.name, text)))
    return found


def _string_match(value: str, condition: Condition) -> StringMatch:
    where = condition.location
    if value == "*":
        return StringMatch(MatchKind.PRESENT, "", where)
    if condition.attribute is Attribute.PATH and (pattern := path_pattern(value)):
        return StringMatch(MatchKind.REGEX, pattern, where)
    if value.startswith("*"):
        return StringMatch(MatchKind.REGEX, f".*{re.escape(value[1:])}", where)
    kind = MatchKind.PREFIX if value.endswith("*") else MatchKind.EXACT
    return StringMatch(kind, value.removesuffix("*"), where)


def adapted(base: Request, match: RouteMatch) -> Request:
    """The request, changed as far as it does not meet the conditions."""
    path, _, query = base.path.partition("?")
    if match.uri and not string_matches(match.uri, path_only(base.path)):
        found = next((one for one in examples(match.uri) if one.startswith("/")), None)
        path = found or (f"/{accepted(match.uri)}" if accepted(match.uri) else path)
    method = base.method
    if match.method and not string_matches(match.method, method):
        method = accepted(match.method) or method
    given = dict(base.headers)
    for name, condition in match.headers:
        if name not in given or not string_matches(condition, given[name]):
            given[name] = accepted(condition) or ""
    host = base.host
    if match.authority and not string_matches(match.authority, base.authority):
        name = (accepted(match.authority) or host).partition(":")[0].lower()
        host = name if covers("*", name) and re.fullmatch(r"[a-z0-9.-]+", name) else host
    whole = f"{path}?{query}" if query else path
    return replace(base, method=method, host=host, path=whole, headers=completed(method, tuple(given.items())))
