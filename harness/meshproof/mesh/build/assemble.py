"""Resources to a Mesh."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import field, replace
from functools import partial
from typing import TypeVar

from meshproof.collector import collector_paused
from meshproof.errors import ManifestError, Problem
from meshproof.manifest import captured
from meshproof.manifest.kinds import entry_of
from meshproof.manifest.resource import Manifests, Notice, Resource
from meshproof.mesh.build import kubernetes, later, virtual_service
from meshproof.mesh.build.across import across, patched
from meshproof.mesh.build.delegate import CLUSTER, ENVOY, Draft, resolved
from meshproof.mesh.build.destination_rule import destination_rule
from meshproof.mesh.build.findings import Findings, refused_part
from meshproof.mesh.build.stand_ins.needed import StandingIn, broadened, needed
from meshproof.mesh.build.stand_ins.unusable import without_unusable
from meshproof.mesh.build.unmodelled.conditions import denied
from meshproof.mesh.build.unmodelled.resources import reach, refused, unread
from meshproof.mesh.build.unmodelled.revisions import of_one_revision
from meshproof.mesh.build.workloads.ended import without_ended
from meshproof.mesh.build.workloads.workload import FORMS, Owners, distinct, without_owned, workload
from meshproof.mesh.model.destination_rule import DestinationRule
from meshproof.mesh.model.gateway import Gateway
from meshproof.mesh.model.index import grouped
from meshproof.mesh.model.kubernetes import Secret, Service, Workload
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.traffic_policy.locality import Places
from meshproof.mesh.model.unmodelled import Unmodelled
from meshproof.records import dataclass

BUILDERS = {
    "Service": kubernetes.service,
    **{kind: workload for kind in FORMS if kind not in later.PLACES},
    "Secret": kubernetes.secret,
    "VirtualService": virtual_service.virtual_service,
    "DestinationRule": destination_rule,
}
DELEGATES = "VirtualService"
INGRESS, INGRESS_CLASS = "Ingress", "IngressClass"
# Kinds of which a run may keep the name alone.
NAMED_ALONE = frozenset({"Secret"})
Part = TypeVar("Part")


@dataclass(frozen=True, slots=True)
class Built:
    """A mesh, the resources that it is made of, and what of the manifests has no effect in it.

    `stood_in` are those of the resources that stand in for others that are not among the manifests; `left_out` are
    further resources of the manifests, which are not understood or refused. `read` is all that it was made from.
    """

    mesh: Mesh
    notices: tuple[Notice, ...]
    resources: tuple[Resource, ...] = ()
    stood_in: tuple[Resource, ...] = ()
    left_out: tuple[Resource, ...] = ()
    read: Manifests = Manifests(())


def build(resources: Iterable[Resource]) -> Built:
    """The mesh that these resources describe; raises ManifestError with everything that istiod would refuse."""
    return build_strictly(Manifests(tuple(resources)))


def build_strictly(manifests: Manifests) -> Built:
    """The mesh of manifests that have to be right; raises ManifestError with all that istiod or Envoy would refuse."""
    built = build_all(manifests)
    refused = [one for one in built.mesh.unmodelled if one.is_wrong]
    if refused:
        raise ManifestError(*(Problem(one.location, one.why, one.needs) for one in refused))
    return built


@collector_paused()
def build_all(manifests: Manifests, *, standing_in: StandingIn | None = None) -> Built:
    """The mesh of all that can be built; what cannot, or is not modelled, stands in `Mesh.unmodelled`.

    `standing_in` adds resources for what the manifests refer to and do not hold (None: nothing is added).
    """
    built = _built(manifests)
    if standing_in is None or manifests.complete:
        return built
    found = needed(manifests, built.mesh, standing_in)
    if found.resources:
        built = _built(replace(manifests, resources=(*manifests.resources, *found.resources)))
    names = {(one.namespace, one.name) for one in found.resources if one.kind == "Deployment"}
    workloads = [one for one in built.mesh.workloads if (one.namespace, one.name) in names]
    made = {(one.namespace, one.name) for one in found.resources if one.kind == "Secret"}
    whole, unusable = without_unusable(built.mesh, made)
    entered = [one.selector for one in built.mesh.gateways]
    unmodelled = (*broadened(built.mesh.unmodelled, workloads, entered), *found.unmodelled, *unusable)
    notices = tuple(dict.fromkeys((*found.notices, *built.notices)))
    mesh = replace(whole, unmodelled=unmodelled)
    return replace(built, mesh=mesh, notices=notices, stood_in=tuple(found.resources), read=manifests)


@dataclass(slots=True)
class _Made:
    """What was built of each resource by itself: `parts` of the mesh, and by their kinds what is joined to it."""

    parts: list[object] = field(default_factory=list)
    joining: list[tuple[str, object]] = field(default_factory=list)
    good: list[Resource] = field(default_factory=list)
    failed: list[tuple[Resource, Sequence[Problem]]] = field(default_factory=list)

    def of(self, kind: type[Part]) -> list[Part]:
        return [part for part in self.parts if isinstance(part, kind)]


def _built(manifests: Manifests) -> Built:
    """The mesh of what the manifests hold."""
    findings = Findings()
    standing, ended = without_ended(manifests.resources)
    resources, owned, owners = without_owned(standing)
    findings.notices += (*ended, *owned)
    seen = None
    if manifests.foreign:
        from meshproof.mesh.build.mesh_config.discovery import discovered

        seen = discovered(manifests, resources, findings)
    made = _made(seen.resources if seen else resources, findings)
    findings.problems.clear()
    findings.joining = True
    failed = [one for one, _ in made.failed]
    # What the API server or istiod would not take.
    not_taken = [*failed, *(one.resource for one in manifests.refusals if one.resource)]
    mesh = _joined(made, owners, not_taken, manifests.foreign, findings)
    foreign: Sequence[Resource] = ()
    if manifests.foreign:
        mesh, foreign = _with_other_kinds(mesh, manifests.foreign, made, findings)
    across(mesh, made.good, not_taken, findings)
    later.across(mesh, made.good, findings)
    unmodelled = [
        *findings.unmodelled_parts,
        *refused(made.failed, mesh),
        *_not_modelled(foreign, mesh, findings),
        *(seen.unmodelled(mesh) if seen else ()),
        *unread(manifests, mesh, findings),
        *patched(manifests, mesh),
        *of_one_revision(made.good, mesh),
        *denied(made.good, mesh),
    ]
    mesh = replace(mesh, unmodelled=tuple(dict.fromkeys(unmodelled)))
    taken = {id(one) for one in made.good}
    others = (one for one in manifests.foreign if id(one) not in taken)
    left_out = (*failed, *others, *not_taken[len(failed) :])
    return Built(mesh, tuple(dict.fromkeys(findings.notices)), tuple(made.good), left_out=left_out, read=manifests)


def _with_other_kinds(
    mesh: Mesh, foreign: Sequence[Resource], made: _Made, findings: Findings
) -> tuple[Mesh, Sequence[Resource]]:
    """The mesh with what resources of other kinds say of it, and those that are left."""
    from meshproof.mesh.build.endpoints import listed as endpoints
    from meshproof.mesh.build.mesh_config.config import configured

    if any(one.kind == INGRESS for one in foreign):
        from meshproof.mesh.build.ingress.joined import joined

        ingresses = joined(mesh, foreign, findings)
        mesh, foreign = ingresses.mesh, [*ingresses.others]
        made.good += ingresses.served
    mesh, foreign = configured(mesh, foreign, findings)
    return endpoints.joined(mesh, foreign, findings)


def _made(resources: Iterable[Resource], findings: Findings) -> _Made:
    """Each resource built by itself."""
    found, nothing = _Made(), Mesh()
    for resource in resources:
        kind = entry_of(resource)
        make = BUILDERS.get(kind) or later.builder(kind)
        if make is None:
            found.good.append(resource)
            continue
        findings.problems.clear()
        part = None
        with findings.about(resource, partial(reach, resource, nothing)):
            part = make(resource, findings)
        if findings.problems:
            found.failed.append((resource, tuple(findings.problems)))
        elif part is not None or resource.kind not in NAMED_ALONE:
            found.good.append(resource)
            if kind in later.PLACES:
                found.joining.append((kind, part))
            elif part is not None:
                found.parts.append(part)
    return found


def _joined(
    made: _Made, owners: Owners, not_taken: Sequence[Resource], foreign: Sequence[Resource], findings: Findings
) -> Mesh:
    """The mesh of what was built, without what the mesh configuration says of it all."""
    broken = {f"{one.namespace}/{one.name}": CLUSTER for one in not_taken if one.kind == DELEGATES}
    for one, problems in made.failed:
        if one.kind == DELEGATES and all(each.by_envoy for each in problems):
            broken[f"{one.namespace}/{one.name}"] = ENVOY
    exported: Sequence[str] = ()
    if foreign:
        from meshproof.mesh.build.mesh_config.config import exported_by_default

        exported = exported_by_default(foreign)
    workloads: Iterable[Workload] = made.of(Workload)
    if owners:
        from meshproof.mesh.build.workloads.controllers import as_specified

        placed = any(one.kind == "Node" for one in made.good)
        workloads = as_specified(workloads, owners, made.parts, placed=placed)
    services = made.of(Service)
    mesh = Mesh(
        services=tuple(one for one in services if not one.alias_of),
        aliases=tuple(one for one in services if one.alias_of),
        workloads=distinct(workloads),
        virtual_services=resolved(made.of(Draft), broken, findings, exported),
        destination_rules=tuple(made.of(DestinationRule)),
        gateways=tuple(made.of(Gateway)),
        secrets=tuple(made.of(Secret)),
    )
    mesh = later.joined(mesh, made.joining, findings)
    return replace(mesh, places=_places(mesh.workloads))


def _places(workloads: Sequence[Workload]) -> Places:
    """Where workloads run that may be clients; nothing where that is told of none."""
    clients = [one for one in workloads if not one.endpoint_of]
    if all(one.locality is None for one in clients):
        return Places()
    found = grouped(((one.namespace, frozenset(one.labels.items())), one.locality) for one in clients)
    return Places({key: places[0] if len({*places}) == 1 else None for key, places in found.items()})


def _not_modelled(foreign: Sequence[Resource], mesh: Mesh, findings: Findings) -> Iterator[Unmodelled]:
    """What is of other kinds; notices say of what decides no request here."""
    if not foreign:
        return
    from meshproof.mesh.build.ingress import classes, touching
    from meshproof.mesh.build.ingress.ingress import problems
    from meshproof.mesh.build.network_policy import policies
    from meshproof.mesh.build.unmodelled.touches import touches, touches_nothing

    several = policies.Policies(foreign, mesh)
    own = classes.setting(json.loads(mesh.config.given) if mesh.config.given else {}, foreign)
    for one in foreign:
        why = captured.why(one) or f"{one.api_version} {one.kind} is not modelled"
        if captured.is_cluster(one) or one.kind == INGRESS_CLASS:
            continue
        no_part = ""
        if policies.is_network_policy(one):
            why, touched = policies.DROPS, several.touches(one)
        elif touching.is_ingress(one):
            why = touching.untold(one, own) or why
            touched, no_part = touching.reach(one, mesh, own)
            if one.api_version == touching.CURRENT and (refused := problems(one)):
                yield from (refused_part(one, each, touched) for each in refused)
                continue
        else:
            touched = touches(one, mesh)
        if no_part:
            findings.notice(one.location, f"{one} decides no request here: {no_part}")
        elif touches_nothing(touched):
            findings.notice(one.location, f"{why}: it touches no request of these manifests")
        else:
            yield Unmodelled(one.kind, str(one), one.location, why, touched)
