"""The mutants of scenarios: what is specified stays, what runs is wrong in one place."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace

from meshproof.border.verdict import Outcome, Precision
from meshproof.errors import MeshproofError
from meshproof.manifest import Manifests
from meshproof.mesh.predict.prediction import predict
from meshproof.mesh.requests.samples import sample_requests
from meshproof.mutate import Mutant, meaning, mutants
from meshproof.records import dataclass
from meshproof.report.selfcheck.record import Judged, MutantStatus
from meshproof.run.discover import Found
from meshproof.run.prepare import NAMESPACE, Prepared, dependences, in_force, own_manifests, prepare, running
from meshproof.scenario import Scenario

UNDERSTOOD = "Understood"
"""The check that kills a mutant of which no longer all is understood."""


@dataclass(frozen=True, slots=True)
class Case:
    """A mutant to be judged: `prepared` is what to drive, None where its status is known without.

    `further` are loads that are driven on it as well, one after another until one fails it. `undetermined` says why
    its traffic may be as it is specified, and may not: where it is, nothing that is seen can fail it.
    """

    judged: Judged
    prepared: Prepared | None
    further: tuple[Prepared, ...] = ()
    undetermined: str = ""

    @property
    def loads(self) -> tuple[Prepared, ...]:
        """All that is driven."""
        return (self.prepared, *self.further) if self.prepared is not None else ()


def cases(found: Found[Scenario], precision: Precision, namespace: str = NAMESPACE) -> Iterator[Case]:
    """All mutants of one scenario in a namespace; raises ManifestError and UsageError for the scenario itself."""
    scenario = found.scenario
    plain = prepare(scenario, found.folder, precision, namespace)
    meanings = list(_meanings(plain))
    own = own_manifests(scenario, found.folder, namespace)
    for number, (brought, whole) in enumerate(zip(own, in_force(own), strict=True)):
        for mutant in mutants(brought.resources, whole.resources):
            judged = Judged(scenario.name, number, mutant.operator, str(mutant.location), mutant.told)
            changed = [_mutated(one, mutant) if place == number else one for place, one in enumerate(own)]
            yield _case(judged, plain, meanings, changed)


def sample(several: Sequence[Case], size: int | None, seed: int) -> tuple[Case, ...]:
    """So many of those that are to run, in their order; all of them and of the others when `size` is None."""
    if size is None:
        return tuple(several)
    ready = [number for number, one in enumerate(several) if one.prepared is not None]
    chosen = random.Random(seed).sample(ready, min(size, len(ready)))  # noqa: S311
    return tuple(several[number] for number in sorted(chosen))


def _mutated(own: Manifests, mutant: Mutant) -> Manifests:
    return Manifests(mutant.apply(own.resources))


def _case(judged: Judged, plain: Prepared, meanings: Sequence[object], own: Sequence[Manifests]) -> Case:
    try:
        prepared = running(plain, in_force(own))
        same = all(one == other for one, other in zip(meanings, _meanings(prepared), strict=True))
    except MeshproofError as error:
        return Case(replace(judged, status=MutantStatus.REFUSED, reason=str(error)), None)
    if same:
        return Case(replace(judged, status=MutantStatus.EQUIVALENT, reason=_elsewhere(plain, prepared)), None)
    return Case(judged, prepared, undetermined=_undetermined(plain, prepared))


def not_understood(judged: Judged, why: str) -> Judged:
    """A mutant that a verification tells by what is not understood of it."""
    return replace(judged, status=MutantStatus.KILLED, outcome=Outcome.INCONCLUSIVE, by=(UNDERSTOOD,), reason=why)


def _undetermined(plain: Prepared, mutated: Prepared) -> str:
    """Why it cannot be told what becomes of a request of the scenario any more; empty where it can."""
    meshes = [stage.mesh for stage in mutated.stages]
    rows = [[predict(mesh, one, plain.client) for one in plain.load.requests] for mesh in meshes]
    known = {one.why for one in plain.dependences}
    found = (one for one in dependences(meshes, rows, plain.client) if one.why not in known)
    return next((f"{one.location}: {one.subject}: {one.why}" for one in found), "")


def _meanings(prepared: Prepared) -> Iterator[object]:
    """The expected outcome of the scenario's requests by what runs."""
    for stage in prepared.stages:
        for request in prepared.load.requests:
            yield meaning(predict(stage.mesh, request, prepared.client))


def _elsewhere(plain: Prepared, mutated: Prepared) -> str:
    """Of a mutant that means the same for the scenario's requests: a request for which it does not, if one is found."""
    for ours, theirs in zip(plain.stages, mutated.stages, strict=True):
        meshes = ours.mesh, theirs.mesh
        for request in (one for mesh in meshes for one in sample_requests(mesh, plain.client)[0]):
            one, other = (predict(mesh, request, plain.client) for mesh in meshes)
            if meaning(one) != meaning(other):
                return f"the same for the scenario's requests, another for {request}"
    return "the same"
