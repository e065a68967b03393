"""α is divided among the drawn shares of all loads of a verification, whatever checks decide them."""

from __future__ import annotations

from pathlib import Path

from meshproof.border.verdict import Precision
from meshproof.run.verification.error_rates import drawn
from meshproof.run.verification.verification import prepare_verification
from meshproof.suite import folder

ROUTE = """---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: helloworld}
spec:
  hosts: [helloworld]
  http:
  - fault: {abort: {httpStatus: 418, percentage: {value: 10}}}
    mirror: {host: helloworld, subset: v2}
    mirrorPercentage: {value: 50}
    route:
    - {destination: {host: helloworld, subset: v1}, weight: 90}
    - {destination: {host: helloworld, subset: v2}, weight: 10}
"""


def test_every_load_knows_how_many_shares_are_drawn_in_all(tmp_path: Path) -> None:
    canary = folder("scenarios") / "canary"
    place = tmp_path / "mesh.yaml"
    place.write_text(
        "---\n".join([(canary / name).read_text() for name in ("helloworld.yaml", "subsets.yaml")]) + ROUTE
    )
    found = prepare_verification([str(place)], [], (), Precision())
    assert found.samples is not None
    assert found.boundaries is not None
    by_check = {
        check.name: check.drawn(found.samples.plan) for check in found.samples.checks if hasattr(check, "drawn")
    }
    # Two destinations; copies of all requests, and of those of each destination; and one abort.
    assert by_check == {"Split": 2, "Mirror": 3, "Abort": 1}
    probes = len(found.boundaries.load.requests)
    assert drawn([found.boundaries]) == 2 * probes > 2
    assert {load.plan.drawn for load in found.driven} == {6 + 2 * probes}
