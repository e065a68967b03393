"""Ports of pods that are reached past their sidecars: proxies of the mesh call them in mutual TLS all the same.

That a pod has a sidecar is said for all of its ports (istio/istio pilot/pkg/xds/endpoints/mtls_checker.go).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from meshproof.manifest.resource import Resource
from meshproof.mesh.build.findings import Findings
from meshproof.mesh.build.mutual_tls.conflicts import near, target
from meshproof.mesh.build.mutual_tls.inferred import is_plain, tls_said
from meshproof.mesh.build.workloads.workload import FORMS
from meshproof.mesh.model.ambient import has_sidecar
from meshproof.mesh.model.kubernetes import InboundPorts, Service, ServicePort, Workload
from meshproof.mesh.model.mesh import Mesh
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
    for service in mesh.services:
        for pods in mesh.selected(service.host):
            if not pods.inbound or pods.location not in own or not has_sidecar(mesh.namespaces, pods):
                continue
            if is_plain(mesh, service):
                break
            with findings.about(own[pods.location], ()):
                for port, number in _called(mesh, service, pods, pods.inbound):
                    why = f"port {number} of its pods is reached past their sidecar, and called in mutual TLS as port "
                    why += f"{port.number} of {service.called}: clients get 503"
                    touched = (Called((service.host,), port.number),)
                    findings.unproved(pods.location, why, needs=FIX, touches=touched, topic=Topic.PAST_SIDECAR)


def _called(mesh: Mesh, service: Service, pods: Workload, inbound: InboundPorts) -> Iterator[tuple[ServicePort, int]]:
    """The ports of a Service that are called so, with those of the pods."""
    for port in service.ports:
        number = target(pods, port)
        mode, _ = taken(near(mesh, pods.namespace), pods.namespace, pods.labels, number)
        # What is for some pods counts for each pod of a Service with an address alone.
        if not inbound.is_past(number) or (mode is PeerMode.DISABLE and not service.headless):
            continue
        if all(tls.mode == ISTIO_MUTUAL for tls in tls_said(mesh, service, port)):
            yield port, number
