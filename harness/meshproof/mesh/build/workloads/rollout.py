"""Argo Rollouts: what their controller writes into routes, and pods whose template stands elsewhere.

Source: https://argo-rollouts.readthedocs.io/en/stable/features/traffic-management/istio/ and
https://argo-rollouts.readthedocs.io/en/stable/migrating/#reference-deployment-from-rollout.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from meshproof.manifest.resource import Resource
from meshproof.manifest.value import Value
from meshproof.mesh.build.findings import Findings
from meshproof.mesh.build.kubernetes import labels
from meshproof.mesh.build.workloads.at import at
from meshproof.mesh.build.workloads.workload import FORMS, distinct, replicas, workload
from meshproof.mesh.model.destination_rule import DestinationRule
from meshproof.mesh.model.kubernetes import CLUSTER_DOMAIN, Labels, Workload
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.unmodelled import Asked, Called, Decided, Touches
from meshproof.mesh.model.virtual_service import VirtualService
from meshproof.records import dataclass

KIND = "Rollout"
SCALED_DOWN = ("onsuccess", "progressively")


@dataclass(frozen=True, slots=True)
class _Objects:
    """What a Rollout can name, by namespace and name."""

    virtual_services: Mapping[tuple[str, str], VirtualService]
    destination_rules: Mapping[tuple[str, str], DestinationRule]


@dataclass(frozen=True, slots=True)
class Referring:
    """A Rollout whose pods' template is that of another workload; `alone` tells that its controller ends the other's.

    Source: argo-rollouts pkg/apis/rollouts/v1alpha1/types.go (ObjectRef), utils/workloadref.
    """

    resource: Resource
    kind: str
    name: str
    replicas: int
    alone: bool
    versions: bool


def rollout(resource: Resource, findings: Findings) -> Workload | Referring:
    """The pods of a Rollout, or whose pods they are like."""
    found, several = at(resource.body, ("spec", "workloadRef")), _has_versions(resource.body)
    if found is None:
        return replace(workload(resource, findings), versions=several)
    down = found.get("scaleDown")
    alone = down is not None and down.text() in SCALED_DOWN
    kind, name = found.need("kind").text(), found.need("name").text()
    return Referring(resource, kind, name, replicas(resource.body, FORMS[KIND]), alone, several)


def _has_versions(body: Value) -> bool:
    """Whether its controller tells old pods from new ones, by labels that it writes into Services or subsets."""
    canary = at(body, ("spec", "strategy", "canary"))
    fields = ("trafficRouting", "canaryService", "stableService")
    return bool(at(body, ("spec", "strategy", "blueGreen")) or (canary and any(canary.get(one) for one in fields)))


def join(mesh: Mesh, parts: Sequence[object], findings: Findings) -> Mesh:  # noqa: ARG001
    """The mesh with the pods of all Rollouts whose template is known."""
    several = {(one.kind, one.key): one for one in mesh.workloads}
    own = [one for one in parts if isinstance(one, Workload)]
    for one in parts:
        if isinstance(one, Referring):
            key = one.kind, f"{one.resource.namespace}/{one.name}"
            if (other := several.get(key)) is not None:
                place = one.resource.location
                named = replace(other, name=one.resource.name, kind=KIND, location=place)
                own.append(replace(named, replicas=one.replicas, versions=one.versions))
                several[key] = replace(other, replicas=0) if one.alone else other
    return replace(mesh, workloads=distinct((*several.values(), *own)))


def across(mesh: Mesh, resources: Iterable[Resource], findings: Findings) -> None:
    """Say of each Rollout what cannot be known from the manifests."""
    rollouts = [one for one in resources if one.kind == KIND]
    if not rollouts:
        return
    objects = _Objects(
        {(one.namespace, one.name): one for one in mesh.virtual_services},
        {(one.namespace, one.name): one for one in mesh.destination_rules},
    )
    for resource in rollouts:
        with findings.about(resource, ()):
            _referred(mesh, resource, findings)
            _written(objects, resource, findings)


def _referred(mesh: Mesh, resource: Resource, findings: Findings) -> None:
    found = at(resource.body, ("spec", "workloadRef"))
    if found is not None:
        wanted = labels(at(resource.body, ("spec", "selector")), "matchLabels")
        hosts = tuple(_possible(mesh, resource.namespace, wanted))
        if any(one.kind == KIND and one.location == resource.location for one in mesh.workloads):
            return
        why = f"its pods' template stands in {found.need('kind').text()} {found.need('name').text()}, which is not here"
        findings.unproved(found.key or found.location, why, touches=(Called(hosts),))


def _possible(mesh: Mesh, namespace: str, known: Labels) -> Iterator[str]:
    """The Services that may select pods of which only some labels are known."""
    for service in mesh.services:
        may = all(known.get(name, value) == value for name, value in service.selector.items())
        if service.namespace == namespace and service.selector and may:
            yield service.host


def _written(objects: _Objects, resource: Resource, findings: Findings) -> None:
    """The routes whose weights, and the DestinationRule whose subsets, the controller writes while it rolls out."""
    routing = at(resource.body, ("spec", "strategy", "canary", "trafficRouting"))
    istio = routing.get("istio") if routing else None
    if routing is None:
        return
    everything = bool(routing.list("managedRoutes"))
    if istio is not None:
        one = istio.get("virtualService")
        for reference in (*((one,) if one else ()), *istio.list("virtualServices")):
            _weights(objects, resource, reference, everything, findings)
        if (rule := istio.get("destinationRule")) is not None:
            _subsets(objects, resource, rule, findings)
    if (plugins := routing.get("plugins")) is not None:
        hosts = tuple(_services(resource))
        findings.unproved(plugins.key or plugins.location, "a plugin writes routes", touches=(Called(hosts),))


def _weights(objects: _Objects, resource: Resource, reference: Value, everything: bool, findings: Findings) -> None:
    key = _named(reference, resource.namespace)
    named = {one.text() for one in reference.list("routes")}
    found = objects.virtual_services.get(key)
    if found is not None:
        why = f"the Rollout's controller writes weights into VirtualService {'/'.join(key)} while it rolls out"
        # Managed routes are put before all others; without names the only rule of its kind is meant.
        touches = _routes(found, set() if everything else named or {one.name for one in found.http})
        findings.unproved(reference.location, why, touches=touches)


def _routes(found: VirtualService, named: set[str]) -> tuple[Touches, ...]:
    """The rules of these names, whose weights alone change; of all rules (none named) also which there are."""
    rules = [one.location for one in found.http if one.name in named]
    # Rules for connections have no names.
    rules += [one.location for one in found.connections] if rules else []
    return tuple(Decided(one) for one in rules) if rules else (Asked(found.hosts, found.gateways),)


def _subsets(objects: _Objects, resource: Resource, reference: Value, findings: Findings) -> None:
    key = _named(reference, resource.namespace)
    rule = objects.destination_rules.get(key)
    if rule is not None:
        why = f"the Rollout's controller writes labels into the subsets of DestinationRule {'/'.join(key)}"
        findings.unproved(reference.location, why, touches=(Called((rule.host,)),))


def _named(reference: Value, namespace: str) -> tuple[str, str]:
    name, own = reference.need("name").text(), reference.get("namespace")
    if own is not None:
        return own.text(), name
    # Argo also takes name.namespace.
    first, dot, second = name.partition(".")
    return (second, first) if dot else (namespace, name)


def _services(resource: Resource) -> Iterator[str]:
    """The hosts of the Services that lead to the old and to the new pods."""
    for name in ("canaryService", "stableService"):
        found = at(resource.body, ("spec", "strategy", "canary", name))
        if found is not None:
            yield f"{found.text()}.{resource.namespace}.{CLUSTER_DOMAIN}"
