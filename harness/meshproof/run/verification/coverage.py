"""How much of a specification its requests prove, and on what the rest depends."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from meshproof.border.coverage import Coverage, Dependence
from meshproof.border.expectation import Expectation
from meshproof.errors import Location
from meshproof.mesh.coverage.dependencies import is_idle
from meshproof.mesh.model.index import grouped
from meshproof.mesh.model.unmodelled import Unmodelled
from meshproof.mesh.predict.policies.authorization import policies_at
from meshproof.run.verification.specification import Specification

Touched = Sequence[tuple[Expectation, tuple[Unmodelled, ...]]]


def partition(
    specification: Specification, expectations: Iterable[Expectation]
) -> tuple[list[Expectation], list[tuple[Expectation, tuple[Unmodelled, ...]]]]:
    """Those that can be proved, and those that something touches which is not understood."""
    provable, touched = [], []
    for one in expectations:
        found = specification.touching(one)
        if found:
            touched.append((one, found))
        else:
            provable.append(one)
    return provable, touched


def coverage(
    specification: Specification,
    provable: Sequence[Expectation],
    touched: Touched,
    unreached: Mapping[Location, str],
    *,
    named: bool,
) -> Coverage:
    """What is proved when all of `provable` pass; `named` where a person chose the requests."""
    shown: dict[Location, list[str]] = {} if named else {rule: [] for rule in _rules(specification)}
    for one in provable:
        for rule in dict.fromkeys((*([one.route] if one.route else []), *one.allowed_by)):
            shown.setdefault(rule, []).append(str(one.request))
    dependences = {one: _dependence(specification, one) for one in specification.unmodelled}
    for part, depending in grouped((part, one) for one, found in touched for part in found).items():
        known = dependences.get(part) or _dependence(specification, part)
        requests = tuple(dict.fromkeys(str(one.request) for one in depending))
        rules = tuple(dict.fromkeys(one.route for one in depending if one.route))
        dependences[part] = replace(known, requests=requests, rules=rules)
        for rule in rules:
            shown.setdefault(rule, [])
    idle = {dependences[one] for one in specification.unmodelled if is_idle(specification.meshes, one)}
    found = (one for one in dependences.values() if one.requests or one not in idle)
    several = [one for one in found if one.requests or one.allowed or not named]
    return Coverage(
        tuple((rule, tuple(requests)) for rule, requests in shown.items()),
        len({str(one.request) for one in (*provable, *(one for one, _ in touched))}),
        _objects(specification, several),
        tuple(several),
        tuple(unreached.items()),
        named=named,
        unruled=tuple(dict.fromkeys(str(one.request) for one in provable if one.route is None)),
    )


def _objects(specification: Specification, open_ones: Iterable[Dependence]) -> int:
    """How many objects were given: those that are understood, and those that are not."""
    built = specification.specified
    stood_in = {id(one) for one in built.stood_in}
    own = [str(one) for one in built.resources if id(one) not in stood_in]
    return len(own) + len({one.subject for one in open_ones}.difference(own))


def _rules(specification: Specification) -> Iterator[Location]:
    for virtual_service in specification.mesh.virtual_services:
        for route in virtual_service.rules:
            yield route.location
    policies = (one for gateway in specification.mesh.gateways for one in policies_at(specification.mesh, gateway))
    yield from dict.fromkeys(place for one in policies for place in one.places)


def _dependence(specification: Specification, one: Unmodelled) -> Dependence:
    allowed = specification.is_allowed(one)
    return Dependence(one.kind, one.subject, one.location, one.why, one.needs, one.is_left_out, allowed)
