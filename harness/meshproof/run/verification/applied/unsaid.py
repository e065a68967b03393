"""What is applied and nobody specifies, where something would have to stand in for it: routing alone is specified."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from meshproof.manifest.resource import Resource
from meshproof.mesh.build.assemble import Built
from meshproof.mesh.model.kubernetes import Workload

DEPLOYMENT, RULE = "Deployment", "DestinationRule"
NAMED_ALIKE = frozenset({"Service", "Gateway", "Secret"})
NAMED = 3


def unsaid(specified: Built, applied: Built) -> Iterator[Resource]:
    """The applied Services, Gateways and Secrets that have stand-ins among what is specified, and what goes with them.

    These are the workloads behind such Services, and DestinationRules for hosts that have one that stands in.
    """
    standing = {one.identity for one in specified.stood_in}
    said = {one.identity for one in specified.resources} - standing
    made = {id(one) for one in applied.stood_in}
    real = [one for one in applied.resources if id(one) not in made and one.identity not in said]
    named = {(one.namespace, one.name) for one in specified.stood_in if one.kind == RULE}
    ruled = {one.host for one in specified.mesh.destination_rules if (one.namespace, one.name) in named}
    places = {one.location for one in _behind(specified, applied)}
    places.update(one.location for one in applied.mesh.destination_rules if one.host in ruled)
    for one in real:
        if one.location in places or (one.identity in standing and one.kind in NAMED_ALIKE):
            yield one


def _behind(specified: Built, applied: Built) -> Iterator[Workload]:
    """The applied workloads of Services whose pods all stand in."""
    standing = {f"{one.namespace}/{one.name}" for one in specified.stood_in if one.kind == DEPLOYMENT}
    for service in specified.mesh.services if standing else ():
        pods = specified.mesh.behind(service)
        theirs = applied.mesh.service(service.host)
        if theirs and pods and standing.issuperset(one.key for one in pods):
            yield from applied.mesh.behind(theirs)


def summary(taken: Sequence[Resource]) -> str:
    """The sentence about them."""
    more = f" and {len(taken) - NAMED} more" if len(taken) > NAMED else ""
    return f"not specified, and taken as applied: {', '.join(map(str, taken[:NAMED]))}{more}"
