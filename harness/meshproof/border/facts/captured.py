"""What a live cluster runs, as far as it was read, without what is nobody else's business."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Any

from meshproof.records import dataclass


@dataclass(frozen=True, slots=True)
class Document:
    """One object as YAML; `name` is how places in it are called, such as `VirtualService/shop/reviews`."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Dump:
    """The configuration of one proxy: `namespace` and `labels` are its pod's, `gateway` tells that it is no sidecar.

    `resources` are lists of Envoy's resources by kind (`listeners`, `routes`, `clusters`), as JSON.
    """

    namespace: str
    pod: str
    labels: Mapping[str, str]
    gateway: bool
    resources: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ClusterFacts:
    """What is known of the cluster beside its objects.

    `versions` names what runs there (`kubernetes`, `istiod`, `proxies`), `nodes` gives the topology labels of each
    node, `endpoints` of each Service (`namespace/name`) how many addresses are ready and how many are not.
    """

    versions: Mapping[str, str] = field(default_factory=dict)
    nodes: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    endpoints: Mapping[str, tuple[int, int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Captured:
    """A cluster's objects in order, its facts, how much was left out by what it is, and what could not be read.

    `namespaces` are those whose workloads were read; none: all. `unread` says it in words; each that can decide
    requests stands among the documents too, as a NotRead.
    """

    documents: tuple[Document, ...]
    facts: ClusterFacts = ClusterFacts()
    left_out: Mapping[str, int] = field(default_factory=dict)
    namespaces: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()
    dumps: tuple[Dump, ...] = ()

    @property
    def contents(self) -> tuple[tuple[str, bytes], ...]:
        """The documents as files by their names."""
        return tuple((one.name, one.text.encode()) for one in self.documents)

    @property
    def text(self) -> bytes:
        """The documents in one file, each after its name."""
        return "".join(f"---\n# {one.name}\n{one.text}" for one in self.documents).encode()
