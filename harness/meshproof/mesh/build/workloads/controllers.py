"""Pods and ReplicaSets of controllers that are not among the manifests, as a cluster lists what runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from meshproof.mesh.model.destination_rule import DestinationRule
from meshproof.mesh.model.index import grouped
from meshproof.mesh.model.kubernetes import Labels, Service, Workload

if TYPE_CHECKING:
    from meshproof.mesh.build.workloads.workload import Owners

# What controllers write into the labels of their pods.
# https://kubernetes.io/docs/reference/labels-annotations-taints/
TEMPLATE_HASH = "pod-template-hash"
WRITTEN = frozenset(
    {
        *(TEMPLATE_HASH, "pod-template-generation", "controller-revision-hash"),
        *("statefulset.kubernetes.io/pod-name", "apps.kubernetes.io/pod-index"),
    }
)
KINDS = frozenset({"Deployment", "ReplicaSet", "StatefulSet", "DaemonSet"})


def as_specified(
    workloads: Iterable[Workload], owners: Owners, parts: Iterable[object], *, placed: bool
) -> Iterator[Workload]:
    """The workloads, those of one controller as one that is called as the controller is.

    `owners` are the controllers of some, by kind, namespace and name. Those that differ in more than the labels that
    controllers write, as those of two versions do, stay as they are, and so do all where a Service or subset among the
    `parts` of a mesh selects by such a label, and pods of several Nodes where these tell places apart (`placed`).
    """
    several = list(workloads)
    if any(not WRITTEN.isdisjoint(one) for part in parts for one in _selectors(part)):
        yield from several
        return
    keyed = ((_owner(one, owners), one) for one in several)
    groups = grouped((((one.namespace, *owner), one) for owner, one in keyed if owner))
    made = {id(one): (key, whole) for key, own in groups.items() if (whole := _whole(key, own, placed)) for one in own}
    told: set[tuple[str, str, str]] = set()
    for one in several:
        key, whole = made.get(id(one), (None, one))
        if key not in told:
            yield whole
        if key:
            told.add(key)


def _selectors(part: object) -> Iterator[Labels]:
    if isinstance(part, Service):
        yield part.selector
    elif isinstance(part, DestinationRule):
        yield from (subset.labels for subset in part.subsets)


def _owner(one: Workload, owners: Owners) -> tuple[str, str] | None:
    """Who a person would say that it belongs to."""
    found = owners.get((one.kind, one.namespace, one.name))
    if found is None or found[0] not in KINDS:
        return None
    kind, name = found
    ending = f"-{one.labels.get(TEMPLATE_HASH, '')}"
    # A Deployment calls its ReplicaSets so.
    if kind == "ReplicaSet" and len(ending) > 1 and name.endswith(ending) and name != ending:
        return "Deployment", name.removesuffix(ending)
    return found


def _whole(key: tuple[str, str, str], several: Sequence[Workload], placed: bool) -> Workload | None:
    """One workload for all of those that have pods; None where they are not alike."""
    having = [one for one in several if one.replicas] or several[:1]
    namespace, kind, name = key
    made = [
        replace(
            one,
            kind=kind,
            name=name,
            namespace=namespace,
            replicas=sum(each.replicas for each in having),
            labels={label: value for label, value in one.labels.items() if label not in WRITTEN},
            location=having[0].location,
            node=one.node if placed else "",
        )
        for one in having
    ]
    return made[0] if all(one == made[0] for one in made) else None
