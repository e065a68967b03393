"""The policies of destinations that samples reach, each once, and the mesh in which one of them is put to the proof."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from meshproof.border.expectation import Arm, Copy, Expectation, Localities, Policy
from meshproof.border.request import Request
from meshproof.errors import Location
from meshproof.mesh.model.destination_rule import ConnectionPool, DestinationRule, TrafficPolicy
from meshproof.mesh.model.kubernetes import Workload
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.virtual_service import (
    ALONE,
    MESH_GATEWAY,
    Destination,
    HeaderChanges,
    HttpRoute,
    Retries,
    RouteDestination,
    VirtualService,
)
from meshproof.mesh.requests.matching import known_paths
from meshproof.records import dataclass


@dataclass(frozen=True, slots=True)
class Target:
    """A destination with a policy, and the sample that reaches it."""

    host: str
    subset: str
    port: int
    policy: Policy
    workloads: frozenset[str]
    sample: Expectation
    localities: Localities | None = None

    @property
    def name(self) -> str:
        """The destination as it is called everywhere: `service.namespace[/subset]`."""
        short = self.host.removesuffix(".svc.cluster.local")
        return f"{short}/{self.subset}" if self.subset else short


def targets(expectations: Iterable[Expectation]) -> tuple[Target, ...]:
    """The destinations of samples, mirrors included, that a policy with a place is in force for, each once."""
    found: dict[tuple[object, ...], Target] = {}
    for one in expectations:
        for part in _reached(one):
            pool, ejection, budget = part.policy.pool, part.policy.ejection, part.policy.retry_budget
            by_place = part.localities if part.localities and len(part.localities.levels) > 1 else None
            stated = by_place.location if by_place else None
            blocks = (pool, ejection, budget, part.policy.warmup)
            places = (*(block.location if block else None for block in blocks), stated)
            subset = part.destination.partition("/")[2].partition(":")[0]
            target = Target(part.host, subset, part.port, part.policy, part.workloads, one, by_place)
            if any(places):
                found.setdefault((part.host, subset, part.port, *places), target)
    return tuple(found.values())


def places(expectations: Iterable[Expectation]) -> Iterator[Location]:
    """Where the policies stand that are in force for the destinations of samples."""
    for target in targets(expectations):
        policy = target.policy
        several = (policy.pool, policy.ejection, policy.retry_budget, policy.warmup)
        yield from (block.location for block in several if block and block.location)


def _reached(one: Expectation) -> Iterator[Arm | Copy]:
    parts: tuple[Arm | Copy, ...] = (*one.arms, *one.copies)
    for part in parts:
        if part.share and part.host and part.workloads:
            yield part


def behind(mesh: Mesh, target: Target) -> tuple[Workload, ...]:
    """The workloads behind a target, as far as the mesh has them."""
    return tuple(one for key in sorted(target.workloads) if (one := mesh.workload(key)))


def alone(mesh: Mesh, target: Target, hosts: int, rule: Location | None) -> tuple[Mesh, Request]:
    """The mesh with one rule that leads to the target alone, and a request for it; the target has so many pods.

    Everything that decides the policy stays as it is. Of the `rule` that takes the sample its retries stay, without a
    limit for each: requests are held for as long as the machine takes.
    """
    asked = target.sample.request
    owner, route = rule_at(mesh, rule)
    place = route.location if route else target.sample.arms[0].location
    destination = Destination(target.host, target.subset, target.port, place)
    only = HttpRoute("", (), (RouteDestination(destination, 100, HeaderChanges(), place),), place)
    leading = VirtualService(
        ALONE,
        owner.namespace if owner else _namespace(mesh, target),
        (asked.domain if asked.gateway else target.host,),
        (asked.gateway or MESH_GATEWAY,),
        (replace(only, retries=_unlimited(route)),),
        place,
    )
    path = (*known_paths(mesh, leading)[1:], "/")[0]
    request = replace(asked, method="GET", path=path, headers=(), body=b"")
    if not asked.gateway:
        request = replace(request, host=target.host, port=target.port, scheme="http", tls=None)
    serving = mesh.serving(found) if (found := mesh.gateway(asked.gateway)) else ()
    return replace(mesh, virtual_services=(leading,), workloads=(*_pods(mesh, target, hosts), *serving)), request


def _unlimited(route: HttpRoute | None) -> Retries | None:
    retries = route.retries if route else None
    return replace(retries, per_try_timeout=None) if retries else None


def joined_by(mesh: Mesh, target: Target) -> Mesh:
    """The mesh with one pod more behind the target, of a workload of its own: what is there stays as it is."""
    (first, *_) = behind(mesh, target)
    return replace(mesh, workloads=(*mesh.workloads, replace(first, name=f"{first.name}-new", replicas=1)))


def _pods(mesh: Mesh, target: Target, hosts: int) -> tuple[Workload, ...]:
    found = behind(mesh, target)
    if sum(one.replicas for one in found) == hosts:
        return found
    return tuple(replace(one, replicas=hosts) for one in found[:1])


def without_policies(mesh: Mesh) -> Mesh:
    """The mesh without connection pools, outlier detection and budgets of retries."""
    return replace(mesh, destination_rules=tuple(map(_plain, mesh.destination_rules)))


def _plain(rule: DestinationRule) -> DestinationRule:
    subsets = tuple(replace(one, policy=_no_breaker(one.policy)) for one in rule.subsets)
    return replace(rule, policy=_no_breaker(rule.policy), subsets=subsets)


def _no_breaker(policy: TrafficPolicy) -> TrafficPolicy:
    ports = {port: _no_breaker(own) for port, own in policy.ports.items()}
    pool = policy.connection_pool
    # By which protocol pods are called is no limit.
    if pool is not None:
        pool = ConnectionPool(use_client_protocol=pool.use_client_protocol, upgrade_to_http2=pool.upgrade_to_http2)
    return replace(policy, connection_pool=pool, outlier_detection=None, retry_budget=None, ports=ports)


def stated_by(mesh: Mesh, place: Location) -> str:
    """The DestinationRule that has a policy at this place, by kind and name."""
    places = mesh.once(("verification", "policies"), lambda: dict(_places(mesh)))
    return places.get(place, "DestinationRule")


def _places(mesh: Mesh) -> Iterator[tuple[Location, str]]:
    for rule in mesh.destination_rules:
        for policy in (rule.policy, *(subset.policy for subset in rule.subsets)):
            for one in (policy, *policy.ports.values()):
                parts = (one.connection_pool, one.outlier_detection, one.retry_budget, one.locality, one.warmup)
                for part in parts:
                    if part and part.location:
                        yield part.location, rule.called


def rule_at(mesh: Mesh, place: Location | None) -> tuple[VirtualService | None, HttpRoute | None]:
    """The rule at a place, with its VirtualService."""
    rules = mesh.once(
        ("verification", "rules"),
        lambda: {route.location: (one, route) for one in mesh.virtual_services for route in one.http},
    )
    return rules.get(place, (None, None)) if place else (None, None)


def _namespace(mesh: Mesh, target: Target) -> str:
    service = mesh.service(target.host)
    return service.namespace if service else "default"
