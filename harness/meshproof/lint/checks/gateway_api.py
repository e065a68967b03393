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

TOLD = frozenset({"Accepted", "Programmed", "ResolvedRefs"})
WAYPOINT = frozenset({"istio.io/WaypointBound"})
STATUSES = (
    *((kind, GATEWAY_API, TOLD) for kind in ("Gateway", "HTTPRoute", "GRPCRoute")),
    ("Service", "", WAYPOINT),
    ("ServiceEntry", "networking.istio.io", WAYPOINT),
    ("WorkloadEntry", "networking.istio.io", WAYPOINT),
)


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
        about(Topic.ROUTE_ALONE, Topic.LISTENER),
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
        "A route's Gateway is not among these manifests",
        "Lint it together with the Gateway.",
        about(Topic.PARENT_MISSING),
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
