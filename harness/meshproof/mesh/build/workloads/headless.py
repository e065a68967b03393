"""Headless Services: within the mesh the pod is the one that the client's own DNS chose.

istiod makes a cluster of type ORIGINAL_DST for them, so that neither weights nor subsets choose, nothing is balanced
and nothing ejected (istio/istio pilot/pkg/networking/core/cluster.go, convertResolution); gateways have ordinary ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from meshproof.manifest.resource import Resource
from meshproof.mesh.build.findings import Findings
from meshproof.mesh.model.destination_rule import LoadBalancer, TrafficPolicy
from meshproof.mesh.model.kubernetes import Service
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.names import covers
from meshproof.mesh.model.topic import Topic
from meshproof.mesh.model.unmodelled import Called, Decided
from meshproof.mesh.model.virtual_service import MESH_GATEWAY, HttpRoute, VirtualService

KIND = "Service"


def across(mesh: Mesh, resources: Iterable[Resource], findings: Findings) -> None:
    """Say which rules lead to headless Services otherwise than their destinations say."""
    several = (one for one in mesh.services if one.headless)
    known = {one.location: one for one in several if any(port.is_http for port in one.ports)}
    headless: dict[str, tuple[Service, Resource]] = {}
    for resource in resources:
        service = known.get(resource.location) if resource.kind == KIND else None
        if service is not None:
            headless[service.host] = service, resource
            with findings.about(resource, ()):
                _ruled(mesh, service, findings)
    for virtual_service in mesh.bound_to(MESH_GATEWAY) if headless else ():
        for route in virtual_service.http:
            host = next((one for one in _hosts(route) if one in headless), "")
            if host and not _leads_to_itself(virtual_service, route, host):
                _routed(route, *headless[host], findings)


def _routed(route: HttpRoute, service: Service, resource: Resource, findings: Findings) -> None:
    why = f"{service.called} is headless: a sidecar passes requests on to the pod that its client's DNS chose"
    with findings.about(resource, (Decided(route.location),)):
        findings.unproved(route.location, f"{why}, whatever the rule says", topic=Topic.HEADLESS)


def _hosts(route: HttpRoute) -> Iterator[str]:
    yield from (one.destination.host for one in route.destinations)
    yield from (one.destination.host for one in route.mirrors)


def _leads_to_itself(virtual_service: VirtualService, route: HttpRoute, host: str) -> bool:
    """Whether who asks for a headless Service gets it, so that its own DNS chose among all that can answer."""
    alone = len(route.destinations) == 1 and not route.mirrors and not route.destinations[0].destination.subset
    return alone and set(virtual_service.hosts) == {host}


def _ruled(mesh: Mesh, service: Service, findings: Findings) -> None:
    for rule in mesh.destination_rules:
        if covers(rule.host, service.host) and any(_balances(policy) for policy, _ in rule.policies):
            why = f"{service.called} is headless: its pods are neither balanced nor ejected by a sidecar"
            findings.unproved(
                service.location, f"{why} ({rule.location})", touches=(Called((service.host,)),), topic=Topic.HEADLESS
            )


def _balances(policy: TrafficPolicy) -> bool:
    return policy.outlier_detection is not None or policy.load_balancer is not LoadBalancer.UNSPECIFIED
