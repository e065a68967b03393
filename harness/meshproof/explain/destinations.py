"""Where a request can go: each destination with its odds, the pods behind it, and the policy in force for it."""

from __future__ import annotations

from collections.abc import Iterator

from meshproof.border.expectation import Arm, Copy
from meshproof.explain.context import Context
from meshproof.explain.explanation import Destination, Object, Pods
from meshproof.explain.policies import settings
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.predict.policies.policy import layers


def destinations(context: Context) -> Iterator[Destination]:
    """The destinations of a request, then its mirrors."""
    for one in context.expectation.arms:
        yield _destination(context, one)
    for copy in context.expectation.copies:
        yield _destination(context, copy)


def _destination(context: Context, one: Arm | Copy) -> Destination:
    mesh, words = context.mesh, context.words
    # The host of a destination has no slash of its own.
    name = one.destination.partition("/")[2].partition(":")[0]
    found = layers(mesh, one.host, name, one.port, context.client)
    chosen = found.subset
    labels = ", ".join(f"{key}={value}" for key, value in chosen.labels.items()) if chosen else ""
    rule = found.subset_rule
    called = words("subset {name}", name=chosen.name) if chosen else ""
    if chosen and rule:
        called = words("subset {name} of {rule}", name=chosen.name, rule=rule.called)
    hashing = one.hashed_by if isinstance(one, Arm) else None
    return Destination(
        one.destination,
        float(one.share),
        one.port,
        one.location,
        tuple(_pods(mesh, one.workloads)),
        tuple(settings(found, one.port, context.written, words)) if mesh.knows(one.host) else (),
        one.why if isinstance(one, Arm) else one.note,
        mirror=isinstance(one, Copy),
        subset=Object(called, chosen.location, labels) if chosen else None,
        by_hash=" and ".join(map(str, hashing.keys)) if hashing else "",
    )


def _pods(mesh: Mesh, workloads: frozenset[str]) -> Iterator[Pods]:
    for key in sorted(workloads):
        found = mesh.workload(key)
        if found:
            yield Pods(key, found.kind, found.replicas, found.location)
