"""What stands in a Service of one type alone.

Source: kubernetes/kubernetes pkg/apis/core/validation/validation.go (ValidateService).
"""

from __future__ import annotations

from meshproof.manifest.constraints.presence import EMPTY, Fields, content, inner, mappings
from meshproof.manifest.schema import Broken

LOAD_BALANCER, NODE_PORT, CLUSTER_IP = "LoadBalancer", "NodePort", "ClusterIP"
DAY = 24 * 60 * 60
BALANCED = ("loadBalancerSourceRanges", "loadBalancerClass", "allocateLoadBalancerNodePorts")


def remembering(fields: Fields) -> Broken | None:
    """Clients are known by their addresses for a second at least, and for a day at most."""
    config = inner(fields, "sessionAffinityConfig")
    limit = content(inner(config, "clientIP"), "timeoutSeconds")
    if content(fields, "sessionAffinity") != "ClientIP" or not isinstance(limit, int) or 0 < limit <= DAY:
        return None
    way = ("sessionAffinityConfig", "clientIP", "timeoutSeconds")
    return way, f"timeoutSeconds must be from 1 to {DAY}"


def of_its_type(fields: Fields) -> Broken | None:
    kind = content(fields, "type") or CLUSTER_IP
    for name in BALANCED if kind != LOAD_BALANCER else ():
        if content(fields, name) not in EMPTY:
            return (name,), f"{name} is for type: {LOAD_BALANCER} alone"
    if kind in (NODE_PORT, LOAD_BALANCER) and content(fields, "clusterIP") == "None":
        return ("clusterIP",), f"a Service of type {kind} is not headless"
    if kind != CLUSTER_IP:
        return None
    if content(fields, "externalTrafficPolicy") not in EMPTY and content(fields, "externalIPs") in EMPTY:
        return ("externalTrafficPolicy",), f"externalTrafficPolicy is not for type: {CLUSTER_IP}"
    for at, port in mappings(fields, "ports"):
        if content(port, "nodePort"):
            return ("ports", at, "nodePort"), f"nodePort is for type: {NODE_PORT} or {LOAD_BALANCER} alone"
    return None
