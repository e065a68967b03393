"""Ports of pods that one Service calls as bytes and another as HTTP: their sidecar reads all that comes there as one.

The older Service says as which, of its ports the first (istio/istio pilot/pkg/networking/core/listener_inbound.go), and
manifests do not tell which Service that is. What is HTTP passes a sidecar that takes it for bytes, and other bytes none
that reads HTTP.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from meshproof.manifest.resource import Resource
from meshproof.mesh.build.findings import Findings
from meshproof.mesh.build.mutual_tls.conflicts import target
from meshproof.mesh.model.ambient import has_sidecar
from meshproof.mesh.model.kubernetes import Service, ServicePort
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.unmodelled import Called

FIX = "name both ports after one protocol, or send them to two ports of the pods"


def across(mesh: Mesh, resources: Iterable[Resource], findings: Findings) -> None:
    """Say which connections a sidecar may read as HTTP."""
    first: dict[tuple[str, tuple[str, int]], tuple[Service, ServicePort]] = {}
    for service, port, place in _ports(mesh):
        first.setdefault((service.host, place), (service, port))
    read = {place: found for (_, place), found in first.items() if found[1].is_http}
    own = {one.location: one for one in resources if one.kind == "Service"}
    told = set()
    for service, port, place in _ports(mesh):
        called = (service.host, port.number)
        if port.is_http or port.sniffed or called in told or place not in read or service.location not in own:
            continue
        told.add(called)
        other, reading = read[place]
        why = (
            f"port {port.number} carries {port.protocol}, and the same port of its pods {reading.protocol} as port "
            f"{reading.number} of {other.called}: their sidecar reads both as the older Service says"
        )
        with findings.about(own[service.location], ()):
            findings.unproved(port.location, why, needs=FIX, touches=(Called((service.host,), port.number),))


def _ports(mesh: Mesh) -> Iterator[tuple[Service, ServicePort, tuple[str, int]]]:
    """The ports of Services with those of the pods behind them that have a sidecar."""
    for service in mesh.services:
        for pods in mesh.selected(service.host) if service.selector else ():
            if pods.in_pods and has_sidecar(mesh.namespaces, pods):
                yield from ((service, port, (pods.key, target(pods, port))) for port in service.ports)
