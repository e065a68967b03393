"""Whole resources that are not in the mesh: what is refused, not read, or given twice."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from meshproof.errors import Problem
from meshproof.manifest.resource import AGAIN, Manifests, Resource
from meshproof.mesh.build.findings import Findings, advice, refused_part
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.topic import Topic
from meshproof.mesh.model.unmodelled import Everything, Mentioned, Touches, Unmodelled

MOST_PLACES = 6


def reach(resource: Resource, mesh: Mesh) -> tuple[Touches, ...]:
    """The requests that a resource can touch."""
    # Of most resources nobody asks.
    from meshproof.mesh.build.unmodelled.touches import touches

    return touches(resource, mesh)


def refused(failed: Iterable[tuple[Resource, Sequence[Problem]]], mesh: Mesh) -> Iterator[Unmodelled]:
    """What istiod or the API server would refuse: it is not in the mesh, and nobody knows what was meant."""
    for resource, problems in failed:
        whole = reach(resource, mesh)
        for one in problems:
            yield refused_part(resource, one, _beside(resource, whole, mesh) if one.by_envoy else whole)


def _beside(resource: Resource, own: tuple[Touches, ...], mesh: Mesh) -> tuple[Touches, ...]:
    from meshproof.mesh.build.unmodelled.by_envoy import beside

    return beside(resource, own, mesh)


def unread(manifests: Manifests, mesh: Mesh, findings: Findings) -> Iterator[Unmodelled]:
    """What cannot be read; of what is given twice nobody knows which of the two a cluster has."""
    twice = {one.resource.identity for one in manifests.refusals if one.resource}
    others = {one.identity: one for one in (*manifests.resources, *manifests.foreign) if one.identity in twice}
    again: dict[tuple[str, str, str], list[Resource]] = {}
    for refusal in manifests.refusals:
        known = refusal.resource
        if known and refusal.first:
            again.setdefault(known.identity, []).append(known)
            continue
        touched = reach(known, mesh) if known else (Everything() if refusal.overlay else Mentioned(refusal.words),)
        other = others.get(known.identity) if known else None
        touched += reach(other, mesh) if other else ()
        kind, name = (known.kind, str(known)) if known else ("document", "a document")
        for one in refusal.problems:
            yield Unmodelled(kind, name, one.location, one.message, touched, advice(one), refused=True)
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
    touched = dict.fromkeys(touch for one in several for touch in reach(one, mesh))
    needs = "keep one of them; alternatives are verified one at a time"
    return Unmodelled(first.kind, str(first), first.location, why, tuple(touched), needs, True, Topic.REPEATED)


def _listed(several: Sequence[Resource]) -> str:
    places = [str(one.location) for one in several]
    more = [f"{len(places) - MOST_PLACES} more"] if len(places) > MOST_PLACES else []
    *all_but_last, last = (*places[:MOST_PLACES], *more)
    return f"{', '.join(all_but_last)} and {last}" if all_but_last else last
