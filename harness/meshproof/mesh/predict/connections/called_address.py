"""Hosts of resolution NONE: whoever has the address that the client called answers (Envoy's ORIGINAL_DST).

Source: istio/istio pilot/pkg/networking/core/cluster.go (convertResolution), and
https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/upstream/service_discovery#original-destination.
"""

from __future__ import annotations

from meshproof.border.expectation import Arm, Copy, Expectation
from meshproof.mesh.model.kubernetes import Service
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.predict import visibility


def elsewhere(mesh: Mesh, expected: Expectation, namespace: str) -> str:
    """Why it is not known who answers a client in `namespace`; empty where it is.

    A rule leads to such a host, and another address was called; or to a Service that the client does not see.
    """
    request = expected.request
    aims: tuple[Arm | Copy, ...] = (*expected.arms, *expected.copies)
    for one in aims:
        if one.host and one.share and not request.gateway and visibility.is_unexported(mesh, one.host, namespace):
            return f"{one.host} is not exported to {namespace}: istiod gives its endpoints in some pushes alone"
        service = mesh.service(one.host) if one.host and one.share else None
        if service is None or not service.called_address:
            continue
        if request.gateway or request.port != one.port or not _is_called(mesh, service, request.host.lower()):
            return f"{service.called} has resolution NONE: whoever has the address that was called answers"
        if one.policy.ejection or "/" in one.destination:
            return f"{service.called} has resolution NONE, where subsets and outlierDetection are not modelled"
    return ""


def _is_called(mesh: Mesh, service: Service, name: str) -> bool:
    """Whether a client that calls a name looks up the address of whoever is behind a host, which may be a pattern."""
    if not service.host.startswith("*"):
        return name == service.host
    return not mesh.knows(name) and next(iter(mesh.patterns_for(name)), "") == service.host
