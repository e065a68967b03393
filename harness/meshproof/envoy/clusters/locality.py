"""Priorities and weights of a cluster's endpoints, by where they and the proxy run.

After istio/istio pilot/pkg/xds/endpoints/endpoint_builder.go (BuildClusterLoadAssignment) and
pilot/pkg/networking/core/loadbalancer/loadbalancer.go.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import field
from math import ceil

from meshproof.envoy.node import Proxy
from meshproof.envoy.unit import Fields, wrapped
from meshproof.mesh.model.destination_rule import TrafficPolicy
from meshproof.mesh.model.kubernetes import Labels, Service, Workload
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.mesh_config import MeshConfig
from meshproof.mesh.model.traffic_policy.locality import (
    HOSTNAME,
    NETWORK,
    REGION,
    SUBZONE,
    ZONE,
    Locality,
    LocalitySetting,
    Nearness,
    labelled,
)
from meshproof.records import dataclass

NOWHERE = Locality()
ISTIO_DEFAULT = LocalitySetting()
NEAR = (NETWORK, REGION, ZONE)
# What a Service prefers, as istiod reads it.
DISTRIBUTED = {
    Nearness.ZONE: LocalitySetting(priority=NEAR, forced=True),
    Nearness.NODE: LocalitySetting(priority=(*NEAR, SUBZONE, HOSTNAME), forced=True),
}
# What a locality's rank is multiplied by, so that ranks by labels stay apart.
BY_LOCALITY = 5


@dataclass(slots=True)
class Group:
    """The endpoints of one locality, of one priority; each with the labels of its pod."""

    locality: Locality
    endpoints: list[tuple[Fields, Labels]] = field(default_factory=list)
    priority: int = 0
    weight: int | None = None

    def fields(self) -> Fields:
        """It as a LocalityLbEndpoints."""
        place = zip(("region", "zone", "sub_zone"), self.locality, strict=True)
        return {
            "locality": {name: value for name, value in place if value},
            "lb_endpoints": [one for one, _ in self.endpoints],
            "load_balancing_weight": wrapped(len(self.endpoints) if self.weight is None else self.weight),
            **({"priority": self.priority} if self.priority else {}),
        }


def setting(policy: TrafficPolicy, config: MeshConfig, service: Service | None) -> LocalitySetting | None:
    """The setting in force, None where it is switched off."""
    stated = service.distribution if service else None
    own = DISTRIBUTED.get(stated.preferred) if stated else None
    found = policy.locality or own or config.locality or ISTIO_DEFAULT
    return found if found.enabled else None


def is_weighted(policy: TrafficPolicy, config: MeshConfig, service: Service | None) -> bool:
    """Whether Envoy is to draw the locality first, by weights."""
    found = setting(policy, config, service)
    if found is None:
        return False
    failing_over = (found.forced or policy.outlier_detection is not None) and bool(found.failover or found.priority)
    return failing_over or bool(found.distribute)


def proxy_locality(mesh: Mesh, proxy: Proxy) -> Locality:
    """Where a proxy stands: by the labels of its pod, or of the workload that has them."""
    there = labelled(proxy.labels) or mesh.places.of(proxy.namespace, proxy.labels) or NOWHERE
    own = Locality(*(proxy.labels.get(name, "") for name in (REGION, ZONE, SUBZONE)))
    if own == NOWHERE:
        return there
    return Locality(there.region or own.region, there.zone or own.zone, there.subzone or own.subzone)


def known_labels(mesh: Mesh, proxy: Proxy) -> dict[str, str]:
    """The labels of a proxy as istiod has them: with those of where it stands."""
    return augmented(proxy.labels, proxy_locality(mesh, proxy))


def augmented(labels: Labels, place: Locality) -> dict[str, str]:
    """The labels with those of the topology, as istiod adds them."""
    topology = {REGION: place.region, ZONE: place.zone, SUBZONE: place.subzone}
    return {**labels, **{name: value for name, value in topology.items() if value}}


def grouped(
    mesh: Mesh, policy: TrafficPolicy, service: Service, proxy: Proxy, pods: Iterable[tuple[Workload, Fields]]
) -> list[Fields]:
    """The endpoints of a cluster for one proxy; without localities they are one group without a name."""
    several = list(pods)
    groups: dict[Locality, Group] = {}
    for workload, endpoint in several:
        place = workload.locality or NOWHERE
        one = groups.setdefault(place, Group(place))
        one.endpoints.append((endpoint, augmented(workload.labels, place)))
    found = [groups[place] for place in sorted(groups)]
    asked = setting(policy, mesh.config, service)
    if asked is not None and asked.distribute:
        found = distributed(found, asked, proxy_locality(mesh, proxy))
    elif asked is not None and (asked.forced or policy.outlier_detection is not None):
        here = proxy_locality(mesh, proxy)
        if asked.priority:
            found = by_labels(found, asked.priority, augmented(proxy.labels, here))
        if asked.failover or not asked.priority:
            by_locality(found, dict(reversed(asked.failover)), here)
    if [one.locality for one in found] == [NOWHERE]:
        return [{"lb_endpoints": [one for one, _ in found[0].endpoints]}]
    return [one.fields() for one in found]


def by_locality(groups: list[Group], failover: Mapping[str, str], here: Locality) -> None:
    """Ranks by how much of the locality is the same; a region to fail over to comes before all others."""
    for group in groups:
        there = group.locality
        rank = 0
        if there.region != here.region:
            rank = 4 if here.region in failover and failover[here.region] != there.region else 3
        elif there.zone != here.zone:
            rank = 2
        elif there.subzone != here.subzone:
            rank = 1
        group.priority = group.priority * BY_LOCALITY + rank
    compact(groups)


def compact(groups: list[Group]) -> None:
    """Priorities without gaps, as Envoy wants them."""
    order = {rank: number for number, rank in enumerate(sorted({one.priority for one in groups}))}
    for group in groups:
        group.priority = order[group.priority]


def by_labels(groups: list[Group], priority: tuple[str, ...], own: Labels) -> list[Group]:
    """Each group split by how many labels of failoverPriority its pods have in common with the proxy's."""
    found: list[Group] = []
    for group in groups:
        ranks: dict[int, Group] = {}
        for endpoint, labels in group.endpoints:
            number = rank(priority, own, labels)
            one = ranks.setdefault(number, Group(group.locality, priority=number))
            one.endpoints.append((endpoint, labels))
        found += [ranks[number] for number in sorted(ranks)]
    compact(found)
    return found


def rank(priority: tuple[str, ...], own: Labels, theirs: Labels) -> int:
    """istiod's applyFailoverPriorityPerLocality for one endpoint."""
    adjust = 0
    for number, entry in enumerate(priority):
        parts = entry.split("=")
        wanted = parts[1] if len(parts) == 2 else own.get(parts[0], "")
        if wanted != theirs.get(parts[0], ""):
            if number == 0 and parts[0] == NETWORK:
                adjust = len(priority)
                continue
            return len(priority) - number + adjust
    return adjust


def is_in(place: Locality, pattern: str) -> bool:
    """istiod's LocalityMatch."""
    parts = pattern.split("/")
    region, zone, subzone = parts[0], *(parts[at] if len(parts) > at else "" for at in (1, 2))
    return region in ("*", place.region) and zone in ("*", "", place.zone) and subzone in ("*", "", place.subzone)


def distributed(groups: list[Group], asked: LocalitySetting, here: Locality) -> list[Group]:
    """Weights by locality for the first entry that is for the proxy; what it leaves out gets no endpoints."""
    for start, targets in asked.distribute:
        if not is_in(here, start):
            continue
        left = list(groups)
        for pattern, percent in targets:
            met = [one for one in left if is_in(one.locality, pattern)]
            left = [one for one in left if one not in met]
            pods = sum(len(one.endpoints) for one in met)
            for one in met:
                one.weight = ceil(len(one.endpoints) * percent / pods)
        for one in left:
            one.weight = len(one.endpoints)
            one.endpoints = []
        break
    return groups
