"""Probes of the boundaries of a verification's rules, beside its samples."""

from __future__ import annotations

from meshproof.border.load import PROBES, Load
from meshproof.judge import Answers
from meshproof.mesh.build.assemble import build
from meshproof.run.prepare import Prepared
from meshproof.run.verification.companion import companion
from meshproof.scenario import Scenario


def prepare_boundaries(verification: Prepared) -> Prepared | None:
    """Probes of the boundaries of a verification's rules; None where nothing lies beyond them.

    That is so within the mesh when no rule has a condition. The check is exact, and takes nothing of
    the verification's error rates.
    """
    (stage,) = verification.stages
    mesh = build(stage.specified).mesh
    known = {gateway.key for gateway in mesh.gateways}
    if not any(
        known.intersection(one.gateways) or any(route.matches for route in one.http) for one in mesh.virtual_services
    ):
        return None
    scenario = Scenario(
        name="boundaries",
        description="Requests inside each rule and just beyond its boundaries are answered as specified.",
        manifests=verification.files,
        load=Load("steady", PROBES, tls=verification.load.tls),
        expect=(Answers(),),
        features={"ProbeWorkload"},
    )
    return companion(verification, scenario)
