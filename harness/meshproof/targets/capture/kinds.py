"""What is read of a cluster. docs/rbac.yaml grants it as meshproof-capture."""

from __future__ import annotations

from typing import NamedTuple

from meshproof.manifest.kinds import GATEWAY_API


class Group(NamedTuple):
    """Kinds of one API group."""

    name: str
    kinds: tuple[str, ...]


ROUTING = (
    Group(
        "networking.istio.io",
        (
            "VirtualService",
            "DestinationRule",
            "Gateway",
            "ServiceEntry",
            "WorkloadEntry",
            "WorkloadGroup",
            "Sidecar",
            "EnvoyFilter",
        ),
    ),
    Group("security.istio.io", ("AuthorizationPolicy", "PeerAuthentication", "RequestAuthentication")),
    Group("extensions.istio.io", ("WasmPlugin", "TrafficExtension")),
    Group(
        GATEWAY_API,
        (
            "GatewayClass",
            "Gateway",
            "HTTPRoute",
            "GRPCRoute",
            "TCPRoute",
            "TLSRoute",
            "UDPRoute",
            "ReferenceGrant",
            "BackendTLSPolicy",
            "ListenerSet",
        ),
    ),
    Group("gateway.networking.x-k8s.io", ("XListenerSet",)),
    Group("networking.k8s.io", ("Ingress",)),
)
"""Kinds that can decide requests in other namespaces than their own."""

WITHIN = (
    Group("", ("Service",)),
    Group("networking.k8s.io", ("NetworkPolicy",)),
    Group("discovery.k8s.io", ("EndpointSlice",)),
)
"""Kinds that are about what stands in their namespace; workloads are, too."""

WORKLOADS = (
    Group("apps", ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet")),
    Group("", ("ReplicationController", "Pod")),
)
