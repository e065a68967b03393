"""From manifests to a plan: everything about a scenario that can be known before anything is started.

All of a run's scenarios are prepared first, so that a mistake in any manifest is told before a
single process runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from dataclasses import replace
from functools import partial
from itertools import accumulate, chain
from pathlib import Path

from meshproof.border.coverage import Dependence
from meshproof.border.expectation import Expectation
from meshproof.border.facts.provenance import Digest
from meshproof.border.load import Load
from meshproof.border.request import Request
from meshproof.border.source import DEFAULT_CLIENT, Source
from meshproof.border.verdict import Precision
from meshproof.border.workload_fault import WorkloadFault
from meshproof.errors import UsageError
from meshproof.manifest import Manifests, Notice, Resource, load, merge
from meshproof.manifest.counterparts import Counterparts
from meshproof.mesh.build.assemble import Built, build, build_strictly
from meshproof.mesh.coverage.dependencies import Dependencies
from meshproof.mesh.coverage.facts import facts
from meshproof.mesh.coverage.undecided import undecided
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.unmodelled import Unmodelled
from meshproof.mesh.predict.prediction import predict, require_endpoints
from meshproof.mesh.requests.clients.sources import parsed
from meshproof.records import dataclass
from meshproof.run.resolve import located, recording, resolved
from meshproof.scenario import Check, Plan, Scenario

NAMESPACE = "default"
# A target with this feature has any client send requests.
ANY_CLIENT = "AnyClient"


@dataclass(frozen=True, slots=True)
class Stage:
    """One configuration that is put in force, and what was specified."""

    running: Built
    wanted: Built

    @property
    def resources(self) -> tuple[Resource, ...]:
        """What is put in force."""
        return self.running.resources

    @property
    def mesh(self) -> Mesh:
        """What that describes."""
        return self.running.mesh

    @property
    def specified(self) -> tuple[Resource, ...]:
        """The resources of what was specified."""
        return self.wanted.resources


@dataclass(frozen=True, slots=True)
class Prepared:
    """A scenario ready to be driven: `stages` is what runs, `plan` what was specified.

    `client` sends its requests; `moved` prepares the same in another namespace (None: it cannot
    be moved). `dependences` are what its requests depend on and is not understood, `sources` the files that it was
    read from (none: they are another's).
    """

    name: str
    description: str
    features: Set[str]
    files: tuple[str, ...]
    load: Load
    checks: tuple[Check, ...]
    stages: tuple[Stage, ...]
    plan: Plan
    notices: tuple[Notice, ...]
    workload_faults: tuple[WorkloadFault, ...] = ()
    mostly_waits: bool = False
    client: Source = DEFAULT_CLIENT
    moved: Callable[[str], Prepared] | None = None
    dependences: tuple[Dependence, ...] = ()
    sources: tuple[Digest, ...] = ()


def prepare(scenario: Scenario, folder: Path, precision: Precision, namespace: str = NAMESPACE) -> Prepared:
    """A scenario whose manifests stand in `folder`; raises ManifestError and UsageError.

    `namespace` is where everything stands that names none, and its client too.
    """
    for one in scenario.expect:
        if isinstance(one, type) or not hasattr(one, "begin") or not isinstance(one.name, str):
            raise UsageError(f"{scenario.name}: {one!r:.100} is no check: write Split(), NoErrors() or another")
    manifests = in_force(own_manifests(scenario, folder, namespace))
    specified = [_strictly(one) for one in manifests]
    files = tuple(str(folder / name) for name in (*scenario.manifests, *scenario.changes))
    placed = replace(scenario, manifests=files, load=located(scenario.load, folder))
    client = _client(scenario, specified[0].mesh, namespace)
    placed = replace(placed, features=placed.features | {ANY_CLIENT}) if scenario.client else placed
    prepared = prepared_load(placed, specified, specified, precision, client=client)
    moved = partial(prepare, scenario, folder, precision)
    unknown = tuple(dependences([one.mesh for one in specified], prepared.plan.stages, client))
    return replace(prepared, moved=moved, dependences=unknown, sources=manifests[-1].sources)


def _client(scenario: Scenario, mesh: Mesh, namespace: str) -> Source:
    """Who sends the requests; raises UsageError where the manifests have no such workload."""
    if not scenario.client:
        return Source(namespace)
    where, _, name = scenario.client.rpartition("/")
    return parsed(f"{where or namespace}/{name}", namespace, mesh)


def dependences(meshes: Sequence[Mesh], rows: Iterable[Sequence[Expectation]], client: Source) -> Iterator[Dependence]:
    """What the requests of each stage depend on and is not understood, with these requests."""
    found: dict[Unmodelled, list[str]] = {}
    for mesh, row in zip(meshes, rows, strict=True):
        dependencies = Dependencies(mesh, mesh.unmodelled) if mesh.unmodelled else None
        for one in row:
            touching = dependencies.touching(facts(mesh, one, client)) if dependencies else ()
            for part in (*touching, *undecided(mesh, one)):
                found.setdefault(part, []).append(str(one.request))
    for part, requests in found.items():
        yield Dependence(part.kind, part.subject, part.location, part.why, part.needs, requests=tuple(requests))


def own_manifests(scenario: Scenario, folder: Path, namespace: str = NAMESPACE) -> list[Manifests]:
    """What each stage brings: the scenario's manifests, then each of its changes."""
    return [
        load([str(folder / name) for name in scenario.manifests], namespace=namespace),
        *(load([str(folder / change)], namespace=namespace) for change in scenario.changes),
    ]


def in_force(own: Sequence[Manifests]) -> list[Manifests]:
    """What is in force at each stage: what it brings itself, over what was there before."""
    return list(accumulate(own, merge))


def running(prepared: Prepared, applied: Sequence[Manifests]) -> Prepared:
    """The same specification, with something else applied at each stage; raises ManifestError."""
    pairs = zip(applied, prepared.stages, strict=True)
    stages = (Stage(build(one.resources), stage.wanted) for one, stage in pairs)
    return replace(prepared, stages=tuple(stages), moved=None)


def _strictly(manifests: Manifests) -> Built:
    """The mesh of a scenario's manifests, which have to be right."""
    built = build_strictly(manifests)
    require_endpoints(built.mesh)
    return replace(built, notices=(*manifests.notices, *built.notices))


def _placed(fault: WorkloadFault, namespace: str) -> WorkloadFault:
    """The fault with the namespace of its workload written out."""
    return fault if "/" in fault.workload else replace(fault, workload=f"{namespace}/{fault.workload}")


def _predicted(
    meshes: Sequence[Mesh], requests: Sequence[Request], client: Source
) -> tuple[tuple[Expectation, ...], ...]:
    """What each mesh says of each request."""
    return tuple(tuple(predict(mesh, one, client) for one in requests) for mesh in meshes)


def _otherwise(stage: Stage, specified: Sequence[Expectation], applied: Sequence[Expectation]) -> tuple[str, ...]:
    """Which objects are applied otherwise, for each request that no applied rule takes."""
    if all(other.route for other in applied):
        return ("",) * len(applied)
    wanted, running = stage.wanted, stage.running
    beside = Counterparts((*wanted.resources, *wanted.left_out), (*running.resources, *running.left_out))
    pairs = zip(specified, applied, strict=True)
    return tuple("" if other.route else beside.told(one.route, one.request.gateway) for one, other in pairs)


def prepared_load(
    scenario: Scenario,
    specified: Sequence[Built],
    running: Sequence[Built],
    precision: Precision,
    notices: Sequence[Notice] = (),
    *,
    client: Source,
) -> Prepared:
    """A scenario ready to be driven by a client, with what is specified and what runs at each stage."""
    told = [*notices, *chain.from_iterable(one.notices for one in (*specified, *running))]
    meshes = [one.mesh for one in specified]
    stages = [Stage(one, wanted) for one, wanted in zip(running, specified, strict=True)]
    ready, bounds = resolved(scenario.load, meshes[0], client)
    told += bounds
    expectations = _predicted(meshes, ready.requests, client)
    actual = [one.mesh for one in running]
    # Nothing is said of what is applied where it is what is specified.
    same = all(one is other for one, other in zip(meshes, actual, strict=True))
    applied = () if same else _predicted(actual, ready.requests, client)
    workload_faults = tuple(_placed(one, client.namespace) for one in scenario.workload_faults)
    return Prepared(
        scenario.name,
        scenario.description,
        # A target that can send from nowhere but its own client must not stand in for another one.
        scenario.features | ({ANY_CLIENT} if client.pairs else frozenset()),
        tuple(scenario.manifests),
        recording(ready, chain.from_iterable((*expectations, *applied))),
        tuple(scenario.expect),
        tuple(stages),
        Plan(
            scenario.name,
            expectations,
            precision,
            workload_faults,
            applied,
            () if same else tuple(map(_otherwise, stages, expectations, applied)),
            clients=ready.clients,
        ),
        tuple(dict.fromkeys(told)),
        workload_faults,
        mostly_waits=scenario.mostly_waits,
        client=client,
    )
