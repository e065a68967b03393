"""Resources to a Mesh."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial

from meshproof.collector import collector_paused
from meshproof.errors import ManifestError, Problem
from meshproof.manifest import captured
from meshproof.manifest.kinds import entry_of
from meshproof.manifest.resource import AGAIN, Manifests, Notice, Resource
from meshproof.mesh.build import kubernetes, later, virtual_service
from meshproof.mesh.build.across import across, patched
from meshproof.mesh.build.delegate import Draft, resolved
from meshproof.mesh.build.destination_rule import destination_rule
from meshproof.mesh.build.findings import Findings, refused_part
from meshproof.mesh.build.stand_ins.needed import StandingIn, broadened, needed
from meshproof.mesh.build.stand_ins.unusable import without_unusable
from meshproof.mesh.build.workloads.workload import FORMS, distinct, without_owned, workload
from meshproof.mesh.model.destination_rule import DestinationRule
from meshproof.mesh.model.gateway import Gateway
from meshproof.mesh.model.index import grouped
from meshproof.mesh.model.kubernetes import Secret, Service, Workload
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.topic import Topic
from meshproof.mesh.model.traffic_policy.locality import Places
from meshproof.mesh.model.unmodelled import Everything, Mentioned, Touches, Unmodelled
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
MOST_PLACES = 6
# Kinds of which a run may keep the name alone.
NAMED_ALONE = frozenset({"Secret"})


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
    """The mesh of manifests that have to be right; raises ManifestError with everything that istiod would refuse."""
    built = build_all(manifests)
    refused = [one for one in built.mesh.unmodelled if one.refused]
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


def _built(manifests: Manifests) -> Built:
    """The mesh of what the manifests hold."""
    findings, nothing = Findings(), Mesh()
    parts: list[object] = []
    joining: list[tuple[str, object]] = []
    good: list[Resource] = []
    failed: list[tuple[Resource, Sequence[Problem]]] = []
    resources, owned, owners = without_owned(manifests.resources)
    findings.notices += owned
    seen = None
    if manifests.foreign:
        from meshproof.mesh.build.mesh_config.discovery import discovered

        seen = discovered(manifests, resources, findings)
    for resource in seen.resources if seen else resources:
        kind = entry_of(resource)
        make = BUILDERS.get(kind) or later.builder(kind)
        if make is None:
            good.append(resource)
            continue
        findings.problems.clear()
        part = None
        with findings.about(resource, partial(_touches, resource, nothing)):
            part = make(resource, findings)
        if findings.problems:
            failed.append((resource, tuple(findings.problems)))
            continue
        if part is None and resource.kind in NAMED_ALONE:
            continue
        good.append(resource)
        if kind in later.PLACES:
            joining.append((kind, part))
        elif part is not None:
            parts.append(part)
    findings.problems.clear()
    findings.joining = True
    unread = [one.resource for one in manifests.refusals if one.resource]
    broken = [f"{one.namespace}/{one.name}" for one in (*unread, *(one for one, _ in failed)) if one.kind == DELEGATES]
    exported: Sequence[str] = ()
    if manifests.foreign:
        from meshproof.mesh.build.mesh_config.config import exported_by_default

        exported = exported_by_default(manifests.foreign)
    workloads: Iterable[Workload] = [part for part in parts if isinstance(part, Workload)]
    if owners:
        from meshproof.mesh.build.workloads.controllers import as_specified

        workloads = as_specified(workloads, owners, parts, placed=any(one.kind == "Node" for one in good))
    mesh = Mesh(
        services=tuple(part for part in parts if isinstance(part, Service) and not part.alias_of),
        aliases=tuple(part for part in parts if isinstance(part, Service) and part.alias_of),
        workloads=distinct(workloads),
        virtual_services=resolved([part for part in parts if isinstance(part, Draft)], broken, findings, exported),
        destination_rules=tuple(part for part in parts if isinstance(part, DestinationRule)),
        gateways=tuple(part for part in parts if isinstance(part, Gateway)),
        secrets=tuple(part for part in parts if isinstance(part, Secret)),
    )
    mesh = later.joined(mesh, joining, findings)
    mesh = replace(mesh, places=_places(mesh.workloads))
    foreign = list(manifests.foreign)
    if foreign:
        from meshproof.mesh.build.endpoints import listed as endpoints
        from meshproof.mesh.build.mesh_config.config import configured

        if any(one.kind == INGRESS for one in foreign):
            from meshproof.mesh.build.ingress.joined import joined

            ingresses = joined(mesh, foreign, findings)
            mesh, foreign = ingresses.mesh, [*ingresses.others]
            good += ingresses.served
        mesh, foreign = configured(mesh, foreign, findings)
        mesh, foreign = endpoints.joined(mesh, foreign, findings)
    across(mesh, good, [*(one for one, _ in failed), *unread], findings)
    later.across(mesh, good, findings)
    unmodelled = [
        *findings.unmodelled_parts,
        *_refused(failed, mesh),
        *_foreign(foreign, mesh, findings),
        *(seen.unmodelled(mesh) if seen else ()),
        *_unread(manifests, mesh, findings),
        *patched(manifests, mesh),
    ]
    mesh = replace(mesh, unmodelled=tuple(dict.fromkeys(unmodelled)))
    taken = {id(one) for one in good}
    left_out = (*(one for one, _ in failed), *(one for one in manifests.foreign if id(one) not in taken), *unread)
    return Built(mesh, tuple(dict.fromkeys(findings.notices)), tuple(good), left_out=left_out, read=manifests)


def _touches(resource: Resource, mesh: Mesh) -> tuple[Touches, ...]:
    # Of most resources nobody asks.
    from meshproof.mesh.build.touches import touches

    return touches(resource, mesh)


def _places(workloads: Sequence[Workload]) -> Places:
    """Where workloads run that may be clients; nothing where that is told of none."""
    clients = [one for one in workloads if not one.endpoint_of]
    if all(one.locality is None for one in clients):
        return Places()
    found = grouped(((one.namespace, frozenset(one.labels.items())), one.locality) for one in clients)
    return Places({key: places[0] if len({*places}) == 1 else None for key, places in found.items()})


def _refused(failed: Iterable[tuple[Resource, Sequence[Problem]]], mesh: Mesh) -> Iterator[Unmodelled]:
    """What istiod or the API server would refuse: it is not in the mesh, and nobody knows what was meant."""
    for resource, problems in failed:
        whole = _touches(resource, mesh)
        for one in problems:
            yield refused_part(resource, one, whole)


def _foreign(foreign: Sequence[Resource], mesh: Mesh, findings: Findings) -> Iterator[Unmodelled]:
    if not foreign:
        return
    from meshproof.mesh.build.ingress import classes, touching
    from meshproof.mesh.build.touches import touches, touches_nothing

    own = classes.setting(json.loads(mesh.config.given) if mesh.config.given else {}, foreign)
    for one in foreign:
        why = captured.why(one) or f"{one.api_version} {one.kind} is not modelled"
        if captured.is_cluster(one) or one.kind == INGRESS_CLASS:
            continue
        no_part = ""
        if touching.is_ingress(one):
            why = touching.untold(one, own) or why
            reach, no_part = touching.reach(one, mesh, own)
        else:
            reach = touches(one, mesh)
        if no_part:
            findings.notice(one.location, f"{one} decides no request here: {no_part}")
        elif touches_nothing(reach):
            findings.notice(one.location, f"{why}: it touches no request of these manifests")
        else:
            yield Unmodelled(one.kind, str(one), one.location, why, reach)


def _unread(manifests: Manifests, mesh: Mesh, findings: Findings) -> Iterator[Unmodelled]:
    """What cannot be read; of what is given twice nobody knows which of the two a cluster has."""
    twice = {one.resource.identity for one in manifests.refusals if one.resource}
    others = {one.identity: one for one in (*manifests.resources, *manifests.foreign) if one.identity in twice}
    again: dict[tuple[str, str, str], list[Resource]] = {}
    for refusal in manifests.refusals:
        known = refusal.resource
        if known and refusal.first:
            again.setdefault(known.identity, []).append(known)
            continue
        reach = _touches(known, mesh) if known else (Everything() if refusal.overlay else Mentioned(refusal.words),)
        other = others.get(known.identity) if known else None
        reach += _touches(other, mesh) if other else ()
        kind, name = (known.kind, str(known)) if known else ("document", "a document")
        for one in refusal.problems:
            yield Unmodelled(kind, name, one.location, one.message, reach, one.hint, refused=True)
    for identity, several in again.items():
        first, *more = (*([others[identity]] if identity in others else []), *several)
        if identity in others and _alike((first, *more), manifests):
            text = (
                f"{first} is given {len(more) + 1} times, also at {_listed(more)}: the mesh has the same pods by each"
            )
            findings.notice(first.location, text, AGAIN)
            continue
        yield _repeated(first, more, mesh)


def _alike(several: Sequence[Resource], manifests: Manifests) -> bool:
    from meshproof.mesh.build.workloads.alternatives import alike

    return alike(several, manifests.resources)


def _repeated(first: Resource, others: Sequence[Resource], mesh: Mesh) -> Unmodelled:
    """One object that several documents give: what is asked of any of them is not known."""
    several = (first, *others)
    listed = _listed(others or several)
    why = f"is given {len(several)} times, also at {listed}: which of them a cluster has is not known"
    reach = dict.fromkeys(touch for one in several for touch in _touches(one, mesh))
    needs = "keep one of them; alternatives are verified one at a time"
    return Unmodelled(first.kind, str(first), first.location, why, tuple(reach), needs, True, Topic.REPEATED)


def _listed(several: Sequence[Resource]) -> str:
    places = [str(one.location) for one in several]
    more = [f"{len(places) - MOST_PLACES} more"] if len(places) > MOST_PLACES else []
    *all_but_last, last = (*places[:MOST_PLACES], *more)
    return f"{', '.join(all_but_last)} and {last}" if all_but_last else last
