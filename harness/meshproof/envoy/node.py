"""Which proxy a configuration is for, and where the pods really listen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum
from itertools import chain

from meshproof.mesh.model.kubernetes import Labels
from meshproof.records import dataclass


class Kind(StrEnum):
    SIDECAR = "sidecar"
    GATEWAY = "gateway"


@dataclass(frozen=True, slots=True)
class Address:
    """One replica: `ports` maps the container's port number to the (host, port) that answers for it.

    A container port that is not in `ports` is one on which nothing listens: it is no endpoint.
    """

    pod: str
    ports: Mapping[int, tuple[str, int]]


@dataclass(frozen=True, slots=True)
class Proxy:
    """One Envoy of the mesh.

    A sidecar has the namespace and labels of the client that it stands beside; a gateway those of
    its own pod (Gateway selectors match them, and its TLS secrets are read from its namespace).
    `ports` fixes the local port of a listener by the service's (or the Gateway server's) port
    number; a port that is not in it gets an ephemeral one.
    """

    kind: Kind = Kind.SIDECAR
    namespace: str = "default"
    labels: Labels = field(default_factory=dict)
    ports: Mapping[int, int] = field(default_factory=dict)

    @property
    def key(self) -> tuple[str, ...]:
        """What it has in common with all proxies that get the same clusters and routes."""
        return self.kind, self.namespace, *chain.from_iterable(sorted(self.labels.items()))
