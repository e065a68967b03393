"""From manifests to a plan: everything about a scenario that can be known before anything is started.

All of a run's scenarios are prepared first, so that a mistake in any manifest is told before a
single process runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from dataclasses import dataclass, replace
from functools import partial
from itertools import accumulate, chain
from pathlib import Path
from typing import TextIO

from meshproof.border.load import PROBES, Load
from meshproof.border.request import Request, Tls
from meshproof.border.verdict import Precision
from meshproof.border.workload_fault import WorkloadFault
from meshproof.errors import Location, UsageError
from meshproof.judge import Answers, Asked, Mirror, NoErrors, Retries, Split, Timeout
from meshproof.manifest import Manifests, Notice, Resource, load, merge
from meshproof.mesh.build.assemble import build
from meshproof.mesh.model.model import Mesh
from meshproof.mesh.predict.gateway_table import HANDSHAKE
from meshproof.mesh.predict.prediction import predict, require_endpoints
from meshproof.mesh.requests.addresses import entering, from_namespace
from meshproof.mesh.requests.samples import sample_requests
from meshproof.run.resolve import attentive, located, resolved
from meshproof.run.verification.breakers import below, unverified
from meshproof.run.verification.faults import faults
from meshproof.run.verification.resilience import USERS, asking
from meshproof.scenario import Check, Plan, Scenario

NAMESPACE = "default"
# How a slow or a failing answer ends follows from the request alone; the second goes over a connection that was used.
TIMES = 2


@dataclass(frozen=True, slots=True)
class Stage:
    """One configuration that is put in force: the resources, the mesh that they describe, and what was specified."""

    resources: tuple[Resource, ...]
    mesh: Mesh
    specified: tuple[Resource, ...]


@dataclass(frozen=True, slots=True)
class Prepared:
    """A scenario ready to be driven: `stages` is what runs, `plan` what was specified.

    `namespace` is where its client stands; `moved` prepares the same in another one (None: it cannot be moved).
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
    namespace: str = NAMESPACE
    moved: Callable[[str], Prepared] | None = None


def prepare(scenario: Scenario, folder: Path, precision: Precision, namespace: str = NAMESPACE) -> Prepared:
    """A scenario whose manifests stand in `folder`; raises ManifestError and UsageError.

    `namespace` is where everything stands that names none, and its client too.
    """
    specified = in_force(own_manifests(scenario, folder, namespace))
    files = tuple(str(folder / name) for name in (*scenario.manifests, *scenario.changes))
    placed = replace(scenario, manifests=files, load=located(scenario.load, folder))
    prepared = _prepared(placed, specified, specified, precision, namespace=namespace)
    return replace(prepared, moved=partial(prepare, scenario, folder, precision))


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
    stages = (Stage(one.resources, build(one.resources).mesh, stage.specified) for one, stage in pairs)
    return replace(prepared, stages=tuple(stages), moved=None)


def prepare_verification(
    spec: Sequence[str],
    applied: Sequence[str],
    requests: Sequence[Request],
    precision: Precision,
    *,
    namespace: str = NAMESPACE,
    client: str = "",
    probed: bool = True,
    tls: Tls | None = None,
    stdin: TextIO | None = None,
) -> Prepared:
    """One's own YAML: expectations from `spec`, the mesh running `applied` (the same when empty).

    `client` is the namespace that requests come from (empty: the one of what names none, as short names are in any
    case). Where workloads are not `probed` nobody counts a mirror's copies, and who answers is known to the client's
    own proxy alone. `tls` is what the client brings to a gateway's handshake.
    """
    client = client or namespace
    specified = load(spec, stdin=stdin, namespace=namespace)
    actual = load(applied, namespace=namespace) if applied else specified
    notices: tuple[Notice, ...] = ()
    mesh = build(specified.resources).mesh
    requests = tuple(entering(mesh, from_namespace(mesh, one, namespace, client), tls) for one in requests)
    if requests:
        notices = tuple(_refused(mesh, requests, client, specified.resources[0].location))
    else:
        requests, notices = sample_requests(mesh, namespace=client, tls=tls)
    if not requests:
        places = "".join(f"\n    {notice}" for notice in notices)
        raise UsageError(f"no request to send could be guessed from {', '.join(spec)}: name one with --request{places}")
    mirrors = _mirrors(specified) or _mirrors(actual)
    if mirrors and not probed:
        text = "mirrors are not verified: the workloads here do not count what they receive"
        notices = (*notices, Notice(specified.resources[0].location, text))
    if not probed and any(request.gateway for request in requests):
        text = "who answers what enters by a gateway is not told here: that it is answered is verified, not by whom"
        notices = (*notices, Notice(specified.resources[0].location, text))
    split = Split(behind_gateways=probed)
    scenario = Scenario(
        name="verify",
        description="The mesh does what its manifests say.",
        manifests=tuple(spec),
        load=Load("steady", tuple(requests), tls=tls or Tls()),
        expect=(split, Mirror(), NoErrors()) if mirrors and probed else (split, NoErrors()),
    )
    prepared = _prepared(scenario, [specified], [actual], precision, notices, namespace=client)
    checks, driven = faults(prepared.plan, prepared.load)
    expected = [*chain.from_iterable(prepared.plan.stages)]
    told = tuple(dict.fromkeys((*prepared.notices, *unverified(expected))))
    return replace(prepared, checks=(*prepared.checks, *checks), load=below(driven, expected), notices=told)


def prepare_boundaries(verification: Prepared) -> Prepared | None:
    """The borders of a verification's rules, to be probed beside it; None where nothing lies beyond them.

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
        description="Requests inside each rule and just beyond its borders are answered as specified.",
        manifests=verification.files,
        load=Load("steady", PROBES, tls=verification.load.tls),
        expect=(Answers(),),
        features={"ProbeWorkload"},
    )
    return _beside(verification, scenario)


def prepare_resilience(verification: Prepared, *, proxyless: bool) -> tuple[Prepared | None, tuple[Notice, ...]]:
    """The timeouts and retries of a verification's requests, to be driven beside it; and what of them cannot be shown.

    None where no pod answers any of them. Exact as well. Pods are `bare` where no proxy stands beside them, so that
    they see what is said to them.
    """
    found = asking(verification.plan, proxyless=proxyless)
    checks: list[Check] = []
    checks += [Timeout(asked=Asked(TIMES, proxyless))] if found.slow else []
    checks += [Retries(asked=Asked(TIMES))] if found.failing else []
    if not checks:
        return None, found.notices
    scenario = Scenario(
        name="resilience",
        description="Slow and failing answers meet the timeouts and retries that are specified, and no others.",
        manifests=verification.files,
        # Slow ones first: what they wait for goes on beside the others.
        load=Load("steady", (*found.slow, *found.failing), users=USERS, timeout=found.timeout),
        expect=checks,
        features={"ProbeWorkload"},
        mostly_waits=True,
    )
    return _beside(verification, scenario), found.notices


def _beside(verification: Prepared, scenario: Scenario) -> Prepared:
    """A scenario on what a verification specifies and applies, without the notices that it gives already."""
    (stage,) = verification.stages
    specified, actual = Manifests(stage.specified), Manifests(stage.resources)
    precision, namespace = verification.plan.precision, verification.namespace
    prepared = _prepared(scenario, [specified], [actual], precision, namespace=namespace)
    prepared = replace(prepared, load=below(prepared.load, chain.from_iterable(prepared.plan.stages)))
    return replace(prepared, notices=tuple(one for one in prepared.notices if one not in verification.notices))


def _placed(fault: WorkloadFault, namespace: str) -> WorkloadFault:
    """The fault with the namespace of its workload written out."""
    return fault if "/" in fault.workload else replace(fault, workload=f"{namespace}/{fault.workload}")


def _refused(mesh: Mesh, requests: Iterable[Request], namespace: str, location: Location) -> Iterator[Notice]:
    """What is said of requests whose handshake comes to nothing by specification."""
    for request in requests:
        found = predict(mesh, request, namespace=namespace)
        if found.refused == HANDSHAKE:
            yield Notice(location, f"only that {request} is refused is verified, no answer: {found.note}")


def _mirrors(manifests: Manifests) -> bool:
    """Whether any rule has a mirror."""
    mesh = build(manifests.resources).mesh
    return any(route.mirrors for service in mesh.virtual_services for route in service.http)


def _prepared(
    scenario: Scenario,
    specified: Sequence[Manifests],
    running: Sequence[Manifests],
    precision: Precision,
    notices: Sequence[Notice] = (),
    *,
    namespace: str,
) -> Prepared:
    told = list(notices)
    meshes = []
    for manifests in specified:
        built = build(manifests.resources)
        require_endpoints(built.mesh)
        told += [*manifests.notices, *built.notices]
        meshes.append(built.mesh)
    stages = []
    for manifests, wanted in zip(running, specified, strict=True):
        built = build(manifests.resources)
        told += [*manifests.notices, *built.notices]
        stages.append(Stage(manifests.resources, built.mesh, wanted.resources))
    ready, bounds = resolved(scenario.load, meshes[0], namespace)
    told += bounds
    expectations = tuple(
        tuple(predict(mesh, request, namespace=namespace) for request in ready.requests) for mesh in meshes
    )
    workload_faults = tuple(_placed(one, namespace) for one in scenario.workload_faults)
    return Prepared(
        scenario.name,
        scenario.description,
        scenario.features,
        tuple(scenario.manifests),
        attentive(ready, chain.from_iterable(expectations)),
        tuple(scenario.expect),
        tuple(stages),
        Plan(scenario.name, expectations, precision, workload_faults),
        tuple(dict.fromkeys(told)),
        workload_faults,
        mostly_waits=scenario.mostly_waits,
        namespace=namespace,
    )
