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
class Step:
    """Give one type this content; `awaited` is False where the proxy has nothing to subscribe to."""

    type_url: str
    resources: tuple[Any, ...]
    awaited: bool = True


def union(old: Snapshot | None, new: Snapshot, type_url: str) -> tuple[Any, ...]:
    """All resources of both, the new ones where both have the name."""
    former = old.of(type_url) if old is not None else {}
    return tuple({**former, **new.of(type_url)}.values())


def steps(old: Snapshot | None, new: Snapshot) -> Iterator[Step]:
    """What to send, one after the other, each once the one before is acknowledged."""
    clusters = union(old, new, types.CLUSTER)
    yield Step(types.CLUSTER, clusters)
    yield Step(types.ENDPOINT, union(old, new, types.ENDPOINT), awaited=bool(clusters))
    yield everything(new, types.LISTENER, awaited=True)
    yield everything(new, types.SECRET)
    yield everything(new, types.ROUTE)
    if len(clusters) > len(new.clusters):
        yield Step(types.CLUSTER, tuple(new.clusters.values()))
        # The proxy has let go of the others by itself; this is what a new stream would be given.
        yield everything(new, types.ENDPOINT, awaited=False)


def everything(snapshot: Snapshot, type_url: str, awaited: bool | None = None) -> Step:
    """All resources of one type."""
    resources = tuple(snapshot.of(type_url).values())
    return Step(type_url, resources, bool(resources) if awaited is None else awaited)


def restoring(former: Snapshot) -> Iterator[Step]:
    """What puts a snapshot back after its successor was refused: routes leave the newer clusters before these go."""
    yield everything(former, types.LISTENER, awaited=True)
    yield everything(former, types.SECRET)
    yield everything(former, types.ROUTE)
    yield everything(former, types.CLUSTER, awaited=True)
    yield everything(former, types.ENDPOINT)
