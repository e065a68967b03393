"""Where pods run, and what of a load balancer goes by it.

Fields follow https://istio.io/latest/docs/reference/config/networking/destination-rule/#LocalityLoadBalancerSetting.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum
from typing import NamedTuple

from meshproof.errors import Location
from meshproof.records import dataclass

REGION, ZONE = "topology.kubernetes.io/region", "topology.kubernetes.io/zone"
SUBZONE = "topology.istio.io/subzone"
NETWORK = "topology.istio.io/network"
HOSTNAME = "kubernetes.io/hostname"
OVERRIDING = ("topology.istio.io/locality", "istio-locality")
"""Labels of a pod by which it says itself where it runs, the first that counts in front."""
LOCALITY, DISTRIBUTION = "localityLbSetting", "trafficDistribution"


class Locality(NamedTuple):
    """A region, a zone in it and a part of that, each empty where nothing is said."""

    region: str = ""
    zone: str = ""
    subzone: str = ""

    def __str__(self) -> str:
        return "/".join(self).rstrip("/") or "nowhere"


@dataclass(frozen=True, slots=True)
class LocalitySetting:
    """`localityLbSetting`: `distribute` are (from, ((to, percent), …)), `failover` (from region, to region).

    `priority` are the labels of failoverPriority, as written. None of them: Istio's default order. `name` is that of
    the field that says it; what a Service says itself is `forced`, and in force without outlier detection, too.
    """

    enabled: bool = True
    distribute: tuple[tuple[str, tuple[tuple[str, int], ...]], ...] = ()
    failover: tuple[tuple[str, str], ...] = ()
    priority: tuple[str, ...] = ()
    location: Location | None = None
    forced: bool = False
    name: str = LOCALITY


class Nearness(StrEnum):
    """What a Service prefers of the pods behind it: those of the client's zone, or of its Node."""

    ANY = ""
    ZONE = "zone"
    NODE = "node"


@dataclass(frozen=True, slots=True)
class Distribution:
    """`trafficDistribution` of a Service, or an annotation that says the same; `location` is where it stands."""

    preferred: Nearness
    location: Location


@dataclass(frozen=True, slots=True)
class Places:
    """Where all workloads of a folder run, by their namespace and labels: a client is one that need not be called.

    None where several with the same labels run in different places, or where that is not told.
    """

    known: Mapping[tuple[str, frozenset[tuple[str, str]]], Locality | None] = field(default_factory=dict)

    def of(self, namespace: str, labels: Mapping[str, str]) -> Locality | None:
        """The place of the workload whose pods have exactly these labels."""
        return self.known.get((namespace, frozenset(labels.items())))


def parsed(text: str) -> Locality:
    """The locality of `region/zone/subzone`; what follows these is left out."""
    region, zone, subzone, *_ = (*text.split("/"), "", "")
    return Locality(region, zone, subzone)


def labelled(labels: Mapping[str, str]) -> Locality | None:
    """What a pod says of it itself (None: nothing); a label cannot hold `/`, so that `.` may stand for it."""
    text = next((labels[one] for one in OVERRIDING if one in labels), "")
    return parsed(text if "/" in text else text.replace(".", "/")) if text else None
