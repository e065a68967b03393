"""Ports of pods that are reached past their sidecars: proxies of the mesh call them in mutual TLS all the same.

That a pod has a sidecar is said for all of its ports (istio/istio pilot/pkg/xds/endpoints/mtls_checker.go).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from meshproof.manifest.resource import Resource
from meshproof.mesh.build.findings import Findings
from meshproof.mesh.build.mutual_tls.conflicts import target
from meshproof.mesh.build.workloads.workload import FORMS
from meshproof.mesh.model.kubernetes import Service, ServicePort, Workload
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.names import covers
from meshproof.mesh.model.security.peer_authentication import PeerMode, taken
from meshproof.mesh.model.topic import Topic
from meshproof.mesh.model.traffic_policy.client_tls import ISTIO_MUTUAL
from meshproof.mesh.model.unmodelled import Called

FIX = "call it in plain text: portLevelMtls DISABLE for these pods, or tls DISABLE in a DestinationRule"


def across(mesh: Mesh, resources: Iterable[Resource], findings: Findings) -> None:
    """Say which ports of Services proxies cannot call."""
    if json.loads(mesh.config.given or "{}").get("enableAutoMtls") is False:
        return
    own = {one.location: one for one in resources if one.kind in FORMS}
    for pods in mesh.workloads:
        if pods.inbound and not pods.bypass and pods.location in own:
            with findings.about(own[pods.location], ()):
                for service, port, number in _called(mesh, pods):
                    why = f"port {number} of its pods is reached past their sidecar, and called in mutual TLS as port "
                    why += f"{port.number} of {service.called}: clients get 503"
                    touched = (Called((service.host,), port.number),)
                    findings.unproved(pods.location, why, needs=FIX, touches=touched, topic=Topic.PAST_SIDECAR)


def _called(mesh: Mesh, pods: Workload) -> Iterator[tuple[Service, ServicePort, int]]:
    for service in mesh.services:
        if service.headless or pods not in mesh.behind(service):
            continue
        for port in service.ports:
            number = target(pods, port)
            mode, _ = taken(mesh.peer_authentications, pods.namespace, pods.labels, number)
            past = pods.inbound is not None and pods.inbound.is_past(number)
            if past and mode is not PeerMode.DISABLE and not _is_said(mesh, service, port):
                yield service, port, number


def _is_said(mesh: Mesh, service: Service, port: ServicePort) -> bool:
    """Whether a rule says how to call it, but by mutual TLS of the mesh."""
    rules = (one for one in mesh.destination_rules if covers(one.host, service.host))
    several = (policy.tls for rule in rules for policy, number in rule.policies if number in (None, port.number))
    return any(tls is not None and tls.mode != ISTIO_MUTUAL for tls in several)
