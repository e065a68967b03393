"""Probes of the boundaries of a person's own rules, of their overlaps and of what they change, beside the samples."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Set

from meshproof.border.expectation import Expectation
from meshproof.border.load import Load
from meshproof.border.request import Request, Tls
from meshproof.errors import Location
from meshproof.judge import Answers, EachSplit
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.virtual_service import HttpRoute
from meshproof.mesh.requests.boundaries import changes
from meshproof.mesh.requests.probes import MOST, probes
from meshproof.run.prepare import Prepared
from meshproof.run.verification.at_once import at_once
from meshproof.run.verification.companion import companion
from meshproof.run.verification.specification import Specification
from meshproof.scenario import Scenario

LeftOut = tuple[tuple[Location, int], ...]


def boundary_expectations(
    specification: Specification, among: Set[Location] | None = None
) -> tuple[list[Expectation], LeftOut]:
    """What is specified for each probe, and how many are left out of which rules.

    Rules that are applied and not specified are probed too. `among` names the rules, within the mesh, that the probes
    are about (None: all of them, gateways included). What the client's Sidecar passes on to whatever has its address
    shows nothing of them.
    """
    requests: dict[Request, None] = {}
    left_out: Counter[Location] = Counter()
    for mesh in specification.meshes:
        found = probes(
            mesh,
            specification.client,
            tls=specification.tls,
            among=among,
            most=None if specification.thorough else MOST,
            beside=next((one for one in specification.meshes if one is not mesh), None),
        )
        requests |= dict.fromkeys(found.requests)
        left_out.update(dict(found.left_out))
    limiting = {one.location for one in specification.mesh.sidecars}
    expected = map(specification.expectation, requests)
    return [one for one in expected if not one.undecided or one.route not in limiting], tuple(left_out.items())


def changed(specification: Specification, expectations: Iterable[Expectation]) -> list[Expectation]:
    """What is specified for requests that show what the rules of these change about requests and answers."""
    requests: dict[Request, None] = {}
    for one in expectations:
        for mesh in specification.meshes:
            taken = one if mesh is specification.mesh else specification.applied_expectation(one.request)
            route = _route(mesh, taken.route)
            if route is not None:
                requests |= dict.fromkeys(changes(one.request, route))
    return [specification.expectation(one) for one in requests]


def prepare_boundaries(specification: Specification, probed: list[Expectation]) -> Prepared | None:
    """The load of these probes; None where there are none."""
    if not probed:
        return None
    scenario = Scenario(
        name="boundaries",
        description="Requests inside each rule, just beyond its boundaries and where two meet get their answers.",
        manifests=specification.files,
        load=Load("steady", tuple(one.request for one in probed), tls=specification.tls or Tls()),
        expect=(Answers(), EachSplit(thorough=specification.thorough)),
        features={"ProbeWorkload"},
    )
    return at_once(companion(specification, scenario))


def _route(mesh: Mesh, place: Location | None) -> HttpRoute | None:
    """The route at a place."""
    known = mesh.once(("verification", "routes"), lambda: dict(_routes(mesh)))
    return known.get(place) if place else None


def _routes(mesh: Mesh) -> Iterator[tuple[Location, HttpRoute]]:
    for virtual_service in mesh.virtual_services:
        for route in virtual_service.http:
            yield route.location, route
