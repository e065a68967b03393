"""Sample requests of a person's own manifests, and the checks that hold them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain

from meshproof.border.expectation import Expectation
from meshproof.border.load import Load
from meshproof.border.prescription import stream
from meshproof.border.request import Tls
from meshproof.errors import Location, UsageError
from meshproof.judge import Answers, LocalityDistribution, Mirror, NoErrors, Split, Streams
from meshproof.judge.localities.distribution import distributed
from meshproof.manifest import Notice
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.predict.mesh_table import HANDSHAKE
from meshproof.run.prepare import Prepared
from meshproof.run.verification.at_once import at_once
from meshproof.run.verification.breakers.below import below
from meshproof.run.verification.companion import companion
from meshproof.run.verification.faults import faults
from meshproof.run.verification.specification import Specification
from meshproof.scenario import Check, Scenario


def prepare_samples(
    specification: Specification, expectations: Sequence[Expectation], notices: Sequence[Notice]
) -> Prepared | None:
    """The load of the samples, or of what a person named; None where there are none.

    Where workloads are not probed nobody counts a mirror's copies, and who answers is known to the client's
    own proxy alone.
    """
    if not expectations:
        return None
    probed = specification.probed
    mirrors = _mirrors(specification.mesh) or _mirrors(specification.applied.mesh)
    told = [*notices, *_refused(expectations)]
    where = expectations[0].route or Location(specification.files[0], 1, 1)
    if mirrors and not probed:
        told.append(Notice(where, "mirrors are not verified: the workloads here do not count what they receive"))
    if not probed and any(one.request.gateway for one in expectations):
        text = "who answers what enters by a gateway is not told here: that it is answered is verified, not by whom"
        told.append(Notice(where, text))
    checks: list[Check] = [Split(behind_gateways=probed)]
    # What workloads receive is known only where they keep books.
    checks += [Answers()] if probed else []
    # What reaches no pod is not proved, and told with its line.
    checks += [Mirror(to_pods=True)] if mirrors and probed else []
    if several := next((one.request for one in expectations if stream(one.request)), None):
        if not probed:
            raise UsageError(f"request {str(several)!r}: calls of several messages are made to stand-ins alone")
        checks.append(Streams())
    checks += [LocalityDistribution()] if any(any(distributed(one)) for one in expectations) else []
    scenario = Scenario(
        name="verify",
        description="The mesh does what its manifests say.",
        manifests=specification.files,
        load=Load("steady", tuple(one.request for one in expectations), tls=specification.tls or Tls()),
        expect=(*checks, NoErrors()),
    )
    prepared = at_once(companion(specification, scenario, told))
    injected, driven = faults(prepared.plan, prepared.load)
    expected = [*chain.from_iterable(prepared.plan.stages)]
    return replace(prepared, checks=(*prepared.checks, *injected), load=below(driven, expected))


def _refused(expectations: Sequence[Expectation]) -> Iterator[Notice]:
    """What is said of requests whose handshake comes to nothing by specification."""
    for one in expectations:
        # Of connections each verdict says it.
        if one.refused == HANDSHAKE and not one.request.is_tcp:
            where = one.route or Location(one.request.gateway, 1, 1)
            yield Notice(where, f"only that {one.request} is refused is verified, no answer: {one.note}")


def _mirrors(mesh: Mesh) -> bool:
    """Whether any rule has a mirror."""
    return any(route.mirrors for service in mesh.virtual_services for route in service.http)
