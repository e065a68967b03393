"""Kinds whose builders are only imported where a folder has one of them, so that all others start sooner.

What a module of these builds is put into the mesh by its own `join`, once everything else is built.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module

from meshproof.manifest.kinds import GATEWAY_API
from meshproof.manifest.resource import Resource
from meshproof.mesh.build.findings import Findings
from meshproof.mesh.model.ambient import INJECTION, MODE, WAYPOINT
from meshproof.mesh.model.mesh import Mesh

Builder = Callable[[Resource, Findings], object]
Join = Callable[[Mesh, Sequence[object], Findings], Mesh]

# In the order in which they are put into the mesh: routes are attached to what is there by then.
MODULES: Mapping[str, Mapping[str, str]] = {
    "service_entry.entries": {
        "ServiceEntry": "service_entry",
        "WorkloadEntry": "workload_entry",
        "WorkloadGroup": "workload_group",
    },
    "workloads.rollout": {"Rollout": "rollout"},
    "workloads.nodes": {"Node": "node"},
    "workloads.namespaces": {"Namespace": "namespace"},
    "sidecar.sidecars": {"Sidecar": "sidecar"},
    "authorization.policies": {"AuthorizationPolicy": "authorization_policy"},
    "mutual_tls.peer_authentications": {"PeerAuthentication": "peer_authentication"},
    "gateway_api.backend_tls.rules": {"BackendTLSPolicy": "backend_tls_policy"},
    "gateway_api.routes": {
        "GatewayClass": "gateway_class",
        f"Gateway.{GATEWAY_API}": "gateway",
        "HTTPRoute": "http_route",
        "GRPCRoute": "grpc_route",
        "TCPRoute": "tcp_route",
        "TLSRoute": "tls_route",
        "ListenerSet": "listener_set",
        "ReferenceGrant": "reference_grant",
    },
}
"""Module to kind (as in manifest/kinds.py) to the name of the builder there."""
AS_THEY_ARE = {"Gateway": ("gateway", "gateway")}
"""Kinds of which what is built is a part of the mesh by itself."""

PLACES = {kind: (module, name) for module, kinds in MODULES.items() for kind, name in kinds.items()}


def builder(kind: str) -> Builder | None:
    """What builds a resource of a kind, None for a kind that is none of these."""
    place = PLACES.get(kind) or AS_THEY_ARE.get(kind)
    if place is None:
        return None
    module, name = place
    found: Builder = getattr(_imported(module), name)
    return found


def joined(mesh: Mesh, parts: Sequence[tuple[str, object]], findings: Findings) -> Mesh:
    """The mesh with all that these builders made; `parts` are (kind, what was built)."""
    for module, kinds in MODULES.items():
        own = [part for kind, part in parts if kind in kinds]
        if own:
            join: Join = _imported(module).join
            mesh = join(mesh, own, findings)
    return mesh


def across(mesh: Mesh, resources: Sequence[Resource], findings: Findings) -> None:
    """Say what only shows when objects that few folders have are seen together with all others."""
    if any(one.kind == "Rollout" for one in resources):
        _imported("workloads.rollout").across(mesh, resources, findings)
    if any(one.headless for one in mesh.services):
        _imported("workloads.headless").across(mesh, resources, findings)
    if mesh.aliases:
        _imported("external_name").across(mesh, resources, findings)
    if any(policy.tls for rule in mesh.destination_rules for policy, _ in rule.policies):
        _imported("mutual_tls.conflicts").across(mesh, resources, findings)
    if any(not (port.is_http or port.sniffed) for service in mesh.services for port in service.ports):
        _imported("sidecar.protocols").across(mesh, resources, findings)
    if mesh.namespaces and any(one.image == "auto" for one in mesh.workloads):
        _imported("workloads.injection").unfilled(mesh, resources, findings)
    if any(one.ports or one.mode in ("DISABLE", "STRICT") for one in mesh.peer_authentications):
        _imported("mutual_tls.inferred").across(mesh, resources, findings)
    if any(one.inbound for one in mesh.workloads):
        _imported("mutual_tls.past_sidecars").across(mesh, resources, findings)
    saying = any(MODE in own or INJECTION in own for own in mesh.namespaces.values())
    if saying or any(one.bypass or MODE in one.labels for one in mesh.workloads):
        _imported("ambient.pods").across(mesh, resources, findings)
    if mesh.gateways:
        if any(WAYPOINT in own for own in mesh.namespaces.values()) or any(one.waypoint for one in mesh.services):
            _imported("ambient.waypoints").across(mesh, resources, findings)
        _imported("gateway").shared_ports(mesh, findings)
        _imported("gateway").unreached(mesh, findings)
        _imported("gateway").untranslated(mesh, resources, findings)


def _imported(module: str):  # type: ignore[no-untyped-def]
    return import_module(f"meshproof.mesh.build.{module}")
