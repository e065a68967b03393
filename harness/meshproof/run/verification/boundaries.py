"""Probes of the boundaries of a person's own rules, beside the samples."""

from __future__ import annotations

from meshproof.border.expectation import Expectation
from meshproof.border.load import Load
from meshproof.border.request import Tls
from meshproof.judge import Answers
from meshproof.manifest import Notice
from meshproof.mesh.requests.probes import probes
from meshproof.run.prepare import Prepared
from meshproof.run.verification.companion import companion
from meshproof.run.verification.specification import Specification
from meshproof.scenario import Scenario


def boundary_expectations(specification: Specification) -> tuple[list[Expectation], tuple[Notice, ...]]:
    """What is specified for each probe of a boundary; none where nothing lies beyond the rules."""
    mesh = specification.mesh
    known = {gateway.key for gateway in mesh.gateways}
    if not any(
        known.intersection(one.gateways) or any(route.matches for route in one.http) for one in mesh.virtual_services
    ):
        return [], ()
    requests, notices = probes(mesh, namespace=specification.namespace, tls=specification.tls)
    return [specification.expectation(one) for one in requests], notices


def prepare_boundaries(specification: Specification, probed: list[Expectation]) -> Prepared | None:
    """The load of these probes; None where there are none.

    The check is exact, and takes nothing of the verification's error rates.
    """
    if not probed:
        return None
    scenario = Scenario(
        name="boundaries",
        description="Requests inside each rule and just beyond its boundaries are answered as specified.",
        manifests=specification.files,
        load=Load("steady", tuple(one.request for one in probed), tls=specification.tls or Tls()),
        expect=(Answers(),),
        features={"ProbeWorkload"},
    )
    return companion(specification, scenario)
