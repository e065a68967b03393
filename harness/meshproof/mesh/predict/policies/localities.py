"""Which pods of a destination are called, by where they and the client run.

By `distribute` each locality gets its percentage, and those that it leaves out nothing. Else, where pods can be
ejected, the nearest ones get all, and the next nearest take over what those cannot answer: by default of the same
subzone, zone, region, then all others; by `failoverPriority` those with most of its labels in common, in order.
Sources: https://istio.io/latest/docs/tasks/traffic-management/locality-load-balancing/, and for what the reference
leaves open istiod itself (istio/istio pilot/pkg/networking/core/loadbalancer).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from math import ceil

from meshproof.border.expectation import Localities, LocalityShare
from meshproof.mesh.model.destination_rule import TrafficPolicy
from meshproof.mesh.model.index import grouped
from meshproof.mesh.model.kubernetes import Service, Workload
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.traffic_policy.locality import (
    DISTRIBUTION,
    HOSTNAME,
    NETWORK,
    REGION,
    SUBZONE,
    ZONE,
    Distribution,
    Locality,
    LocalitySetting,
    Nearness,
    labelled,
)
from meshproof.mesh.predict.match import Client

DEFAULT = LocalitySetting()
TOPOLOGY = (REGION, ZONE, SUBZONE)
CLUSTER = "topology.istio.io/cluster"
# One more than the ranks that regions, zones and subzones tell apart.
RANKS = 5
CLIENT_UNTOLD = (
    "where the client runs is not told, and it decides which pods answer: name it by --from NAMESPACE/WORKLOAD"
)
PODS_UNTOLD = "where the pods of {} run is not told: give them a Node, or the label istio-locality"


def localities(
    mesh: Mesh, policy: TrafficPolicy, service: Service, workloads: Sequence[Workload], client: Client
) -> Localities | None:
    """How the pods of a destination with this policy are chosen by where they run; None: that has no part in it."""
    setting = policy.locality or _preferred(service.distribution) or mesh.config.locality or DEFAULT
    if not workloads or not setting.enabled:
        return None
    ejecting = policy.outlier_detection is not None
    if not (setting.distribute or setting.forced or ejecting):
        return None
    stated = bool(setting.distribute or setting.failover or setting.priority)
    if not stated and all(one.locality is None for one in workloads):
        return None
    here = client_locality(mesh, client)
    if setting.distribute:
        return _distributed(setting, workloads, here)
    alike = len({_signature(one, setting) for one in workloads}) == 1
    if alike and not (ejecting and HOSTNAME in setting.priority):
        return None
    if why := _mixed_up(setting, service, workloads) or _untold(setting, workloads, here):
        return _unknown(why, setting, workloads)
    known = here or Locality()
    own = _with_topology(client.labels, known)
    ranks = [_by_labels(setting.priority, own, one) for one in workloads]
    order = sorted(set(ranks))
    ranks = [order.index(rank) for rank in ranks]
    if setting.failover or not setting.priority:
        pairs = zip(ranks, workloads, strict=True)
        ranks = [rank * RANKS + _by_place(setting, known, one.locality or Locality()) for rank, one in pairs]
    several = grouped(zip(ranks, workloads, strict=True))
    levels = tuple(_keys(several[rank]) for rank in sorted(several))
    if len(levels) == 1:
        return None
    # Without ejections nothing but a pod that is not ready lets another place take over.
    return Localities(levels if ejecting else levels[:1], location=setting.location, name=setting.name)


def _preferred(distribution: Distribution | None) -> LocalitySetting | None:
    """What a Service says itself as failoverPriority: its network, region and zone, and for a Node's pods the rest."""
    if distribution is None or distribution.preferred is Nearness.ANY:
        return None
    labels: tuple[str, ...] = (NETWORK, REGION, ZONE)
    if distribution.preferred is Nearness.NODE:
        labels = (*labels, SUBZONE, HOSTNAME)
    return LocalitySetting(priority=labels, location=distribution.location, forced=True, name=DISTRIBUTION)


def client_locality(mesh: Mesh, client: Client) -> Locality | None:
    """Where a client runs: its labels say it, or the workload that has them; None where nothing does."""
    place = labelled(client.labels) or mesh.places.of(client.namespace, client.labels)
    given = [client.labels.get(name, "") for name in TOPOLOGY]
    if not any(given):
        return place
    return Locality(*(first or second for first, second in zip(place or ("", "", ""), given, strict=True)))


def _keys(workloads: Sequence[Workload]) -> frozenset[str]:
    return frozenset(one.key for one in workloads)


def _signature(workload: Workload, setting: LocalitySetting) -> tuple[object, ...]:
    labels = (workload.labels.get(one.partition("=")[0]) for one in setting.priority)
    return workload.locality, *labels


def _mixed_up(setting: LocalitySetting, service: Service, workloads: Sequence[Workload]) -> str:
    """Why istiod loses sight of where the names are that proxies look up; empty where it does not.

    pilot/pkg/networking/core/cluster.go (buildOutboundClusters): it has one place with the labels of all endpoints.
    """
    resolution = dict(service.unseen).get("resolution")
    if not (resolution and setting.priority and len({one.locality for one in workloads}) > 1):
        return ""
    said = setting.name if setting.forced else "failoverPriority"
    return f"{said} for endpoints of resolution {resolution} in several places is not modelled"


def _untold(setting: LocalitySetting, workloads: Sequence[Workload], here: Locality | None) -> str:
    names = [one.partition("=")[0] for one in setting.priority]
    said = setting.name if setting.forced else "failoverPriority"
    for name in (HOSTNAME, CLUSTER):
        if name in names:
            return f"{said} by {name} is not modelled: which one pods run on is not told here"
    by_place = not setting.priority or bool(setting.failover)
    unknown = [one.key for one in workloads if one.locality is None]
    if unknown and (by_place or not {*TOPOLOGY}.isdisjoint(names)):
        return PODS_UNTOLD.format(", ".join(unknown))
    # What failoverPriority gives a value is not compared with the client's.
    compared = {one for one in setting.priority if "=" not in one}
    return CLIENT_UNTOLD if here is None and (by_place or not {*TOPOLOGY}.isdisjoint(compared)) else ""


def _with_topology(labels: Mapping[str, str], place: Locality) -> dict[str, str]:
    return {**labels, **{name: value for name, value in zip(TOPOLOGY, place, strict=True) if value}}


def _by_labels(priority: Sequence[str], own: Mapping[str, str], workload: Workload) -> int:
    """How far a pod is by failoverPriority: 0 where all labels are the same, more the earlier one differs.

    A first label for the network puts pods of other networks behind all others of its own.
    """
    theirs = _with_topology(workload.labels, workload.locality or Locality())
    added = 0
    for position, entry in enumerate(priority):
        name, given, value = entry.partition("=")
        wanted = value if given else own.get(name, "")
        if wanted == theirs.get(name, ""):
            continue
        if position == 0 and name == NETWORK:
            added = len(priority)
            continue
        return len(priority) - position + added
    return added


def _by_place(setting: LocalitySetting, here: Locality, there: Locality) -> int:
    """How far a locality is: 0 the same subzone, 1 zone, 2 region, 3 another one, 4 not the one to fail over to."""
    for rank, parts in enumerate((3, 2, 1)):
        if here[:parts] == there[:parts]:
            return rank
    target = next((to for start, to in setting.failover if start == here.region), None)
    return 3 if target is None or target == there.region else 4


def _matches(place: Locality, pattern: str) -> bool:
    """Whether a locality is one of `region/zone/subzone`, each of which may be `*`, and the last two left out."""
    region, *more = pattern.split("/")[:3]
    fits = all(one in ("*", "", own) for one, own in zip(more, place[1:], strict=False))
    return region in ("*", place.region) and fits


def _unknown(why: str, setting: LocalitySetting, workloads: Sequence[Workload]) -> Localities:
    several = [f"{start} to {dict(to)}" for start, to in setting.distribute]
    several += [f"{start} fails over to {to}" for start, to in setting.failover]
    several += [", ".join(setting.priority)] if setting.priority else []
    several += [f"{one.name} {one.locality}" for one in workloads if one.locality is not None]
    return Localities(
        (_keys(workloads),), untold=why, location=setting.location, said="; ".join(several), name=setting.name
    )


def _distributed(setting: LocalitySetting, workloads: Sequence[Workload], here: Locality | None) -> Localities | None:
    unknown = [one.key for one in workloads if one.locality is None]
    if unknown or here is None:
        why = PODS_UNTOLD.format(", ".join(unknown)) if unknown else CLIENT_UNTOLD
        return _unknown(why, setting, workloads)
    given = next((to for start, to in setting.distribute if _matches(here, start)), None)
    if given is None:
        return None
    places = grouped((one.locality or Locality(), one) for one in workloads)
    weights: dict[Locality, int] = {}
    for pattern, percent in given:
        met = [place for place in places if _matches(place, pattern)]
        if not weights.keys().isdisjoint(met):
            why = f"two of the places of distribute meet, one of them {pattern}: istiod takes them in any order"
            return _unknown(why, setting, workloads)
        pods = {place: sum(one.replicas for one in places[place]) for place in met}
        # istiod rounds up, so that the weights may come to more than 100.
        weights |= {place: ceil(Fraction(percent * number, sum(pods.values()))) for place, number in pods.items()}
    total = sum(weights.values())
    shares = tuple(
        LocalityShare(str(place), Fraction(weight, total), _keys(places[place])) for place, weight in weights.items()
    )
    return Localities((frozenset().union(*(one.workloads for one in shares)),), shares, location=setting.location)
