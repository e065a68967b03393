"""Pods of which it is not told whether they are there, or answer: by their spec, or by a status of a cluster."""

from __future__ import annotations

from collections.abc import Iterator

from meshproof.errors import Location
from meshproof.manifest.resource import Resource
from meshproof.manifest.value import Value
from meshproof.mesh.build.findings import Findings
from meshproof.mesh.build.workloads.at import at
from meshproof.mesh.model.kubernetes import Labels
from meshproof.mesh.model.unmodelled import Pods, Role

PAUSED = "what is paused makes no pods of its template: what pods there are is not told"
GATED = "pods with schedulingGates run nowhere until somebody takes these away: whether they run is not told"
NOT_READY = "it was not ready when a cluster wrote this: whether it answers requests is not told"
NONE_READY = "none of its pods was ready when a cluster wrote this: whether they answer requests is not told"


def held_back(resource: Resource, spec: Value, pods: Labels, findings: Findings) -> None:
    """Tell of such pods; `spec` is that of their template."""
    touched = (Pods(resource.namespace, pods, frozenset({Role.RECEIVES, Role.LETS_IN})),)
    for place, why in _reasons(resource, spec):
        findings.unproved(place, why, touches=touched)


def _reasons(resource: Resource, spec: Value) -> Iterator[tuple[Location, str]]:
    paused = at(resource.body, ("spec", "paused"))
    if paused is not None and paused.flag():
        yield paused.location, PAUSED
    if gates := spec.list("schedulingGates"):
        yield gates[0].location, GATED
    status = resource.body.get("status")
    if status is None or not status.is_mapping:
        return
    if resource.kind == "Pod":
        yield from ((one.location, NOT_READY) for one in _conditions(status) if _is_unready(one))
    elif _count(status, "replicas") and not _count(status, "readyReplicas"):
        yield status.location, NONE_READY


def _conditions(status: Value) -> tuple[Value, ...]:
    found = status.get("conditions")
    return found.data if found is not None and isinstance(found.data, tuple) else ()


def _is_unready(condition: Value) -> bool:
    kind, status = (condition.get(name) if condition.is_mapping else None for name in ("type", "status"))
    return kind is not None and kind.data == "Ready" and status is not None and status.data != "True"


def _count(status: Value, name: str) -> int:
    found = status.get(name)
    return found.data if found is not None and isinstance(found.data, int) else 0
