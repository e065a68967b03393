"""Where two meshes differ in whether the pods of a namespace get sidecars, and no request shows it."""

from __future__ import annotations

from collections.abc import Iterator

from meshproof.mesh.model.ambient import INJECT, INJECTION
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.unmodelled import PlainText, Pods, Role, Unmodelled

NEEDS = "correct one of the two"
# What says that there are none, and is told by itself.
CLOSED = "disabled"


def injected_otherwise(specified: Mesh, applied: Mesh) -> Iterator[Unmodelled]:
    """Each Namespace of both that asks for sidecars in one of them alone.

    Whoever labels a namespace by hand has no label in either.
    """
    for name in specified.namespaces.keys() & applied.namespaces.keys():
        ours, theirs = applied.injected.get(name), specified.injected.get(name)
        closed = CLOSED in (one.namespaces[name].get(INJECTION) for one in (specified, applied))
        place = ours or theirs
        if place is None or closed or bool(ours) is bool(theirs) or _ask_themselves(name, specified, applied):
            continue
        there = "is applied, and not specified" if ours else "is specified, and not applied"
        why = f"that its pods get sidecars {there}: no request shows it"
        reach = (Pods(name, {}, frozenset({Role.SENDS})), PlainText(name))
        yield Unmodelled("Namespace", f"Namespace {name}", place, why, reach, NEEDS)


def _ask_themselves(namespace: str, *meshes: Mesh) -> bool:
    """Whether all pods of a namespace get sidecars by a label of their own, whatever it says."""
    several = [one for mesh in meshes for one in mesh.workloads if one.namespace == namespace and one.in_pods]
    return bool(several) and all(one.labels.get(INJECT) == "true" for one in several)
