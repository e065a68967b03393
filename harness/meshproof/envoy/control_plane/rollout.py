"""The order in which a new snapshot replaces the old one: make before break.

Clusters come first and go last, so that no route ever leads to one that is not there:
https://www.envoyproxy.io/docs/envoy/latest/api-docs/xds_protocol#eventual-consistency-considerations
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from meshproof.envoy import resource_types as types
from meshproof.envoy.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Part:
    """Give one type this content; `awaited` is False where the proxy has nothing to subscribe to."""

    type_url: str
    resources: tuple[Any, ...]
    awaited: bool


# What is sent at once, and then acknowledged before the next stage. Endpoints go with their clusters:
# Envoy holds the ACK of a cluster back until it is warm, and it is not warm without its endpoints.
Stage = tuple[Part, ...]


def union(old: Snapshot | None, new: Snapshot, type_url: str) -> Part:
    """All resources of both, the new ones where both have the name."""
    former = old.of(type_url) if old is not None else {}
    resources = tuple({**former, **new.of(type_url)}.values())
    return Part(type_url, resources, type_url == types.CLUSTER or bool(resources))


def everything(snapshot: Snapshot, type_url: str) -> Part:
    """All resources of one type; clusters and listeners a proxy asks for even where there are none."""
    resources = tuple(snapshot.of(type_url).values())
    return Part(type_url, resources, type_url in (types.CLUSTER, types.LISTENER) or bool(resources))


def stages(old: Snapshot | None, new: Snapshot) -> Iterator[Stage]:
    """What replaces `old` (None: nothing yet) by `new`."""
    clusters = union(old, new, types.CLUSTER)
    yield clusters, union(old, new, types.ENDPOINT)
    yield (everything(new, types.LISTENER),)
    yield everything(new, types.SECRET), everything(new, types.ROUTE)
    if len(clusters.resources) > len(new.clusters):
        yield everything(new, types.CLUSTER), everything(new, types.ENDPOINT)


def restoring(former: Snapshot) -> Iterator[Stage]:
    """What puts a snapshot back after its successor was refused: routes leave the newer clusters before these go."""
    yield (everything(former, types.LISTENER),)
    yield everything(former, types.SECRET), everything(former, types.ROUTE)
    yield everything(former, types.CLUSTER), everything(former, types.ENDPOINT)
