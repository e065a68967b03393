"""The order in which a new snapshot replaces the old one: make before break.

Clusters come first and go last, so that no route ever leads to one that is not there:
https://www.envoyproxy.io/docs/envoy/latest/api-docs/xds_protocol#eventual-consistency-considerations
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from meshproof.envoy import resource_types as types
from meshproof.envoy.control_plane.subscription import Content
from meshproof.envoy.resource import Reference, Resource
from meshproof.envoy.snapshot import Snapshot
from meshproof.records import dataclass


@dataclass(frozen=True, slots=True)
class Part:
    """Give one type this content; `awaited` is False where the proxy has nothing to subscribe to."""

    type_url: str
    resources: tuple[Resource, ...]
    awaited: bool


# What is sent at once, and then acknowledged before the next stage. Endpoints go with their clusters:
# Envoy holds the ACK of a cluster back until it is warm, and it is not warm without its endpoints.
Stage = tuple[Part, ...]
WHOLE = frozenset({types.CLUSTER, types.LISTENER})
# What changed clusters and listeners wait for.
Warming = set[Reference]


def union(old: Snapshot | None, new: Snapshot, type_url: str) -> Part:
    """All resources of both, the new ones where both have the name."""
    former = old.named(type_url) if old is not None else {}
    resources = tuple({**former, **new.named(type_url)}.values())
    return Part(type_url, resources, type_url == types.CLUSTER or bool(resources))


def everything(snapshot: Snapshot, type_url: str) -> Part:
    """All resources of one type; clusters and listeners a proxy asks for even where there are none."""
    resources = tuple(snapshot.named(type_url).values())
    return Part(type_url, resources, type_url in (types.CLUSTER, types.LISTENER) or bool(resources))


def stages(old: Snapshot | None, new: Snapshot) -> Iterator[Stage]:
    """What replaces `old` (None: nothing yet) by `new`."""
    clusters = union(old, new, types.CLUSTER)
    yield clusters, union(old, new, types.ENDPOINT)
    yield (everything(new, types.LISTENER),)
    yield everything(new, types.SECRET), everything(new, types.ROUTE)
    if len(clusters.resources) > len(new.named(types.CLUSTER)):
        yield everything(new, types.CLUSTER), everything(new, types.ENDPOINT)


def restoring(former: Snapshot) -> Iterator[Stage]:
    """What puts a snapshot back after its successor was refused: routes leave the newer clusters before these go."""
    yield (everything(former, types.LISTENER),)
    yield everything(former, types.SECRET), everything(former, types.ROUTE)
    yield everything(former, types.CLUSTER), everything(former, types.ENDPOINT)


def changes(stage: Stage, held: Mapping[str, Content | None], warming: Warming) -> dict[str, tuple[Resource, ...]]:
    """What a proxy must be sent of each type, where `held` is what it is known to hold (None: not known).

    A type of which nothing has changed is left out. Of clusters and listeners all are sent, since a proxy removes
    those that a response leaves out. A changed cluster may be warm only after it was sent its endpoints, changed or
    not, as a listener its routes: `warming` collects what is sent for that reason, here and in later stages.
    """
    found: dict[str, tuple[Resource, ...]] = {}
    for part in stage:
        known = held.get(part.type_url)
        former = {one.name: one.content for one in known.resources} if known else {}
        changed = [
            one for one in part.resources if former.get(one.name) != one.content or (part.type_url, one.name) in warming
        ]
        removed = len(former) > len(part.resources)
        if known is None or (part.type_url in WHOLE and (changed or removed)):
            found[part.type_url] = part.resources
        elif changed:
            found[part.type_url] = tuple(changed)
        if part.type_url in WHOLE:
            warming.update(reference for one in changed for reference in one.references)
    return found
