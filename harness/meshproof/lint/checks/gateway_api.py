"""Routes of the Gateway API: what they attach to, and what a cluster said of them."""

from __future__ import annotations

from collections.abc import Iterator

from meshproof.lint.check import Check, Found, Severity
from meshproof.lint.checks.reading import about
from meshproof.lint.folder import Folder
from meshproof.lint.raw import each, field, text
from meshproof.manifest.kinds import GATEWAY_API
from meshproof.manifest.resource import Resource
from meshproof.manifest.value import Value
from meshproof.mesh.model.topic import Topic

ALONE = frozenset({Topic.ROUTE_ALONE, Topic.LISTENER})
TOLD = frozenset({"Accepted", "Programmed", "ResolvedRefs"})
WAYPOINT = frozenset({"istio.io/WaypointBound"})
STATUSES = (
    *((kind, GATEWAY_API, TOLD) for kind in ("Gateway", "HTTPRoute", "GRPCRoute")),
    ("Service", "", WAYPOINT),
    ("ServiceEntry", "networking.istio.io", WAYPOINT),
    ("WorkloadEntry", "networking.istio.io", WAYPOINT),
)


def attached_to_nothing(folder: Folder) -> Iterator[Found]:
    """Routes that no listener takes, and routes of Services that should be here."""
    yield from (Found(one.location, one.message) for one in folder.built.notices if one.topic in ALONE)
    yield from (found for here, found in _parentless(folder) if here)


def elsewhere(folder: Folder) -> Iterator[Found]:
    """Routes whose parents are not among the manifests."""
    yield from (found for here, found in _parentless(folder) if not here)
    for one in folder.mesh.unmodelled:
        if one.topic == Topic.PARENT_MISSING:
            yield Found(one.location, f"{one.subject}: {one.why}", fix=one.needs)


def _parentless(folder: Folder) -> Iterator[tuple[bool, Found]]:
    """Parents that are not there, and whether their namespace is one that the manifests describe."""
    told = {one.location: one.message for one in folder.built.notices if one.topic == Topic.PARENT_MISSING}
    refused = {one.identity for one in folder.built.left_out}
    for resource in folder.of_kind("HTTPRoute", GATEWAY_API) if told else ():
        spec = resource.body.get("spec")
        for parent in spec.list("parentRefs") if spec and resource.identity not in refused else ():
            if parent.location in told:
                place = text(parent, "namespace") or resource.namespace
                yield place in folder.namespaces, Found(parent.location, told[parent.location])


def conditions(folder: Folder) -> Iterator[Found]:
    """Conditions that a cluster's controllers wrote and that are False."""
    for kind, group, types in STATUSES:

        def read(resource: Resource, types: frozenset[str] = types) -> Iterator[Found]:
            status = field(resource.body, "status")
            parents = status.list("parents") if status else ()
            for holder in (status, *parents):
                yield from (_told(resource, one) for one in _of(holder) if text(one, "type") in types)

        yield from each(folder.of_kind(kind, group), read)


def _of(holder: Value | None) -> Iterator[Value]:
    for one in holder.list("conditions") if holder else ():
        if text(one, "status") == "False":
            yield one


def _told(resource: Resource, one: Value) -> Found:
    said = ": ".join(part for part in (text(one, "reason"), text(one, "message")) if part)
    return Found(one.location, f"the cluster says of {resource} that {text(one, 'type')} is False ({said})")


CHECKS = (
    Check(
        "MP120",
        Severity.ERROR,
        "A route attaches to nothing",
        "Correct the parentRefs and hostnames.",
        attached_to_nothing,
    ),
    Check(
        "MP121",
        Severity.WARNING,
        "A part of parentRefs counts for nothing",
        "Correct its group and kind.",
        about(Topic.PARENT),
    ),
    Check(
        "MP122",
        Severity.INFO,
        "A route's parent is not among these manifests",
        "Lint it together with its parent.",
        elsewhere,
    ),
    Check(
        "MP123",
        Severity.ERROR,
        "A backend of another namespace is not granted",
        "Write a ReferenceGrant in the namespace of the backend.",
        about(Topic.NOT_GRANTED),
    ),
    Check(
        "MP124",
        Severity.WARNING,
        "A mirror of a route is left out",
        "Correct the backend's name.",
        about(Topic.BACKEND_MISSING),
    ),
    Check(
        "MP125",
        Severity.WARNING,
        "A cluster says that something is not in force",
        "See to what the condition says.",
        conditions,
        ("IST0171",),
    ),
)
