"""Which objects differ, and which part of a mesh can be another one for it: all else need not be searched."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any

from meshproof.diff.same_pods import Beside, beside
from meshproof.diff.sides import Side
from meshproof.errors import Location
from meshproof.explain import wording
from meshproof.explain.manifests import Written
from meshproof.manifest.documents.other_files import own_name
from meshproof.manifest.resource import Resource
from meshproof.manifest.value import Value
from meshproof.mesh.coverage.called_otherwise import called_otherwise
from meshproof.mesh.coverage.configured_otherwise import configured_otherwise
from meshproof.mesh.coverage.injected_otherwise import injected_otherwise
from meshproof.mesh.coverage.passing_on import passed_on_otherwise
from meshproof.mesh.model.gateway import Gateway
from meshproof.mesh.model.index import Hosts, by_hosts, grouped
from meshproof.mesh.model.kubernetes import Service
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.names import overlap
from meshproof.mesh.model.topic import Topic
from meshproof.mesh.model.unmodelled import Unmodelled
from meshproof.mesh.model.virtual_service import VirtualService
from meshproof.records import dataclass

# Kinds of which it is known what a change of them can touch; any other one may touch everything.
NARROW = frozenset(
    {
        *("Service", "VirtualService", "DestinationRule", "Gateway", "HTTPRoute", "GRPCRoute", "Secret"),
        *("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "ReplicationController", "Pod", "Job", "CronJob"),
        *("Rollout", "DeploymentConfig"),
    }
)


# Objects that may configure the mesh as a whole.
WHOLE_MESH = frozenset({"ConfigMap", "IstioOperator", "Istio"})


@dataclass(frozen=True, slots=True)
class Opaque:
    """Something that is not understood, and that is not the same on both sides.

    `how`: new, gone or changed; or mended, where it was wrong and is not any more.
    """

    part: Unmodelled
    how: str


@dataclass(frozen=True, slots=True)
class Differing:
    """The resources of either side that the other one lacks, or has otherwise: comments and places do not count."""

    gone: tuple[Resource, ...]
    came: tuple[Resource, ...]

    def __bool__(self) -> bool:
        return bool(self.gone or self.came)


def differing(old: Side, new: Side) -> Differing:
    """What differs between two sides as it is written; what stands in on both has been written by nobody."""
    stood_in = {one.identity for one in old.built.stood_in} & {one.identity for one in new.built.stood_in}
    first, second = (grouped((one.identity, one) for one in _resources(side)) for side in (old, new))
    same = {
        key for key, several in first.items() if key in stood_in or (key in second and _alike(several, second[key]))
    }
    gone, came = ((one for key, some in side.items() if key not in same for one in some) for side in (first, second))
    return Differing(tuple(gone), tuple(came))


def _alike(some: Sequence[Resource], others: Sequence[Resource]) -> bool:
    """Whether objects of one name, of which there is more than one where it is given twice, are written alike."""
    return len(some) == len(others) and all(
        _bare(one.body) == _bare(other.body) for one, other in zip(some, others, strict=True)
    )


def _resources(side: Side) -> tuple[Resource, ...]:
    return (*side.built.resources, *side.built.left_out)


def _bare(value: Value) -> Any:
    if value.is_mapping:
        return {name: _bare(one) for name, one in value.fields().items() if one.data is not None}
    data = value.data
    return [_bare(one) for one in data] if isinstance(data, tuple) else (type(data).__name__, data)


def opaque(old: Side, new: Side, found: Differing) -> Iterator[Opaque]:
    """What is not understood and differs: whether requests change for it is not known.

    Pods that come or go without a sidecar hold up nobody else.
    """
    changed = {_subject(one) for one in (*found.gone, *found.came)}
    first, second = (_not_understood(side) for side in (old, new))
    before, after = ({*map(_subject, _resources(side)), *_names(side)} for side in (old, new))
    for key, one in second.items():
        if one.topic == Topic.NO_SIDECAR and (key in first or one.subject not in before):
            continue
        if key not in first or one.subject in changed:
            yield Opaque(one, "changed" if one.subject in before else "new")
    shown = {one.subject for one in second.values()}
    for key, one in first.items():
        if one.topic == Topic.NO_SIDECAR and one.subject not in after:
            continue
        if key not in second and one.subject not in shown:
            stays = "mended" if one.is_wrong else "changed"
            yield Opaque(one, stays if one.subject in after else "gone")
    both = old.mesh, new.mesh
    ways = (passed_on_otherwise, called_otherwise, configured_otherwise, injected_otherwise)
    yield from (Opaque(one, "changed") for way in ways for one in way(*both))


def _subject(one: Resource) -> str:
    """What a resource is called where something of it is not understood."""
    return str(one) if one.namespace else f"{one.kind} {one.name}"


def _names(side: Side) -> Iterator[str]:
    return (own_name(notice.location.file) for notice, _ in side.manifests.others)


def _not_understood(side: Side) -> dict[object, Unmodelled]:
    """What is not understood, and what resources may be made from: each by all but its place."""
    said = {one.location: each.digest for each in side.manifests.refusals for one in each.problems}
    found = {_key(one, said.get(one.location, "")): one for one in side.mesh.unmodelled}
    for name, (notice, digest) in zip(_names(side), side.manifests.others, strict=True):
        one = Unmodelled("document", name, notice.location, notice.message, ())
        found[_key(one, digest)] = one
    return found


def _key(one: Unmodelled, digest: str) -> object:
    # Where it was given first, say, is in another file on the other side.
    return one.kind, one.subject, wording.without_places(one.why), one.refused, digest


@dataclass(frozen=True, slots=True)
class Reach:
    """What can be touched by the objects that differ: hosts, and Gateways by `namespace/name`; or `everything`."""

    hosts: frozenset[str]
    gateways: frozenset[str]
    everything: bool = False
    beside: Beside = Beside()

    def __bool__(self) -> bool:
        return bool(self.hosts or self.gateways or self.everything)


def reach(old: Side, new: Side, found: Differing) -> Reach:
    """The hosts and Gateways that differing objects of either side have to do with."""
    hosts: set[str] = set()
    gateways: dict[int, Gateway] = {}
    everything = False
    for side, several in ((old, found.gone), (new, found.came)):
        everything = everything or any(_is_wide(side, one) for one in several)
        own = _Own(side, several)
        hosts |= set(_hosts(side.mesh, own))
        secret = any(one.kind == "Secret" for one in several)
        for one in side.mesh.gateways:
            # Its pods say what it sees.
            if secret or own.has(one.location) or any(own.has(pod.location) for pod in side.mesh.serving(one)):
                gateways[id(one)] = one
    others = beside(old.mesh, new.mesh, gateways.values()) if gateways else Beside()
    met = others.serve.union(one.called for one in gateways.values())
    return Reach(frozenset(hosts), met, everything, others)


def _is_wide(side: Side, one: Resource) -> bool:
    """Whether it is not known what an object can touch; what is not understood at all changes no prediction."""
    if one.kind in WHOLE_MESH:
        return True
    hidden = side.built.mesh.once(("diff", "hidden"), lambda: {each.subject for each in side.mesh.unmodelled})
    return one.kind not in NARROW and not (one in side.built.left_out and str(one) in hidden)


class _Own:
    """Whether what stands at a place belongs to one of some objects; what stands in has the place of what it is for."""

    def __init__(self, side: Side, several: Iterable[Resource]) -> None:
        every = _resources(side)
        made = set(map(id, side.built.stood_in))
        self._written = [Written(every)]
        if made:
            self._written.append(Written(tuple(one for one in every if id(one) not in made)))
        self._several = {one.identity for one in several}

    def has(self, place: Location) -> bool:
        owners = (one.owner(place) for one in self._written)
        return any(one is not None and one.identity in self._several for one in owners)


def _hosts(mesh: Mesh, own: _Own) -> Iterator[str]:
    for service in mesh.services:
        if own.has(service.location) or any(own.has(one.location) for one in mesh.behind(service)):
            yield service.host
    for alias in mesh.aliases:
        if own.has(alias.location):
            yield from (alias.host, mesh.stands_for(alias.host))
    for one in mesh.virtual_services:
        # Rules of delegates stand in another object.
        if own.has(one.location) or any(own.has(route.location) for route in one.http if route.root):
            yield from one.hosts
            yield from one.aimed_at
    yield from (one.host for one in mesh.destination_rules if own.has(one.location))


def part(mesh: Mesh, touched: Reach) -> tuple[Mesh, tuple[Service, ...]]:
    """The mesh with those VirtualServices alone that can be touched, and the Services that can.

    An alias has the ports of what it stands for.
    """
    ends = ((one, mesh.service(mesh.stands_for(one.host))) for one in mesh.aliases)
    aliases = [replace(one, ports=end.ports) for one, end in ends if end]
    if touched.everything:
        return mesh, (*mesh.services, *aliases)
    known = by_hosts([(host,) for host in sorted(touched.hosts)])
    entering = by_hosts([(host,) for host in sorted(touched.beside.hosts)])
    chosen = [one for one in mesh.virtual_services if _is_touched(one, touched, known, entering)]
    # What else stands for the same hosts decides with them.
    beside = by_hosts([(host,) for one in chosen for host in one.hosts])
    ids = {id(one) for one in chosen}
    several = tuple(
        one for one in mesh.virtual_services if id(one) in ids or any(_meets(host, beside) for host in one.hosts)
    )
    services = tuple(one for one in (*mesh.services, *aliases) if _meets(one.host, known))
    return replace(mesh, virtual_services=several), services


def _is_touched(one: VirtualService, touched: Reach, known: Hosts, entering: Hosts) -> bool:
    bound = {name.rpartition("/")[0] if name.count("/") > 1 else name for name in one.gateways}
    if not touched.gateways.isdisjoint(bound):
        return True
    if not touched.beside.share.isdisjoint(bound) and any(_meets(host, entering) for host in one.hosts):
        return True
    return any(_meets(host, known) for host in (*one.hosts, *one.aimed_at))


def _meets(host: str, known: Hosts) -> bool:
    """Whether a host is among those known, or has a name in common with one of them."""
    if known.candidates(host):
        return True
    return host.startswith("*") and any(overlap(host, one) for one in (*known.exact, *known.wild))


def without_places(value: Any) -> Any:
    """A part of the model without the places in it."""
    if isinstance(value, Location):
        return None
    if is_dataclass(value) and not isinstance(value, type):
        return type(value).__name__, tuple(without_places(getattr(value, one.name)) for one in fields(value))
    if isinstance(value, tuple | list):
        return tuple(without_places(one) for one in value)
    return tuple(sorted(value.items())) if isinstance(value, dict) else value
