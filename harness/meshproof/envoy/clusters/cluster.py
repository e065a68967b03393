"""A service's port, or one subset of it, as Envoy's cluster.

After istio/istio pilot/pkg/networking/core/cluster_traffic_policy.go.
"""

from __future__ import annotations

from meshproof.envoy.clusters.connection_pool import connection_pool
from meshproof.envoy.clusters.destination_rule import effective, merged
from meshproof.envoy.clusters.outlier_detection import outlier_detection
from meshproof.envoy.names import cluster_name
from meshproof.envoy.unit import Json
from meshproof.errors import Location, UsageError
from meshproof.mesh.model.destination_rule import LoadBalancer, TrafficPolicy
from meshproof.mesh.model.kubernetes import Service, ServicePort
from meshproof.mesh.model.mesh import Mesh

LB_POLICIES = {
    LoadBalancer.UNSPECIFIED: "LEAST_REQUEST",
    LoadBalancer.LEAST_REQUEST: "LEAST_REQUEST",
    LoadBalancer.ROUND_ROBIN: "ROUND_ROBIN",
    LoadBalancer.RANDOM: "RANDOM",
}
HTTP2_PROTOCOLS = frozenset({"http2", "grpc", "grpc-web"})
EDS = {"ads": {}, "resource_api_version": "V3", "initial_fetch_timeout": "0s"}


def lb_policy(chosen: LoadBalancer, location: Location) -> str:
    if chosen not in LB_POLICIES:
        raise UsageError(
            f"{location}: the embedded mesh does not balance by {chosen.value}; "
            f"use {', '.join(LB_POLICIES)}, or another target"
        )
    return LB_POLICIES[chosen]


def cluster(name: str, policy: TrafficPolicy, location: Location) -> Json:
    """One EDS cluster; panic routing is off, so that ejecting a lone host shows."""
    outlier = policy.outlier_detection
    result: Json = {
        "name": name,
        "type": "EDS",
        "eds_cluster_config": {"eds_config": EDS, "service_name": name},
        "lb_policy": lb_policy(policy.load_balancer, location),
        "common_lb_config": {"healthy_panic_threshold": {"value": outlier.min_health_percent if outlier else 0}},
        **connection_pool(policy.connection_pool),
    }
    if outlier is not None:
        result["outlier_detection"] = outlier_detection(outlier)
    return result


def speaks_http1(port: ServicePort) -> None:
    if port.protocol.lower() in HTTP2_PROTOCOLS:
        raise UsageError(
            f"{port.location}: port {port.name or port.number} speaks HTTP/2 ({port.protocol}); the pods of the "
            "embedded mesh speak HTTP/1.1 only: name the port http, or use another target"
        )


def clusters(mesh: Mesh, service: Service, namespace: str) -> list[Json]:
    """All clusters of a service as a client in `namespace` sees it: each port, whole and by subset."""
    rule = merged(mesh, service, namespace)
    result = []
    for port in service.ports:
        if port.protocol.lower() == "udp":
            continue
        speaks_http1(port)
        result.append(
            cluster(
                cluster_name(service.host, "", port.number), effective(rule.policy, None, port.number), service.location
            )
        )
        for subset in rule.subsets:
            name = cluster_name(service.host, subset.name, port.number)
            result.append(cluster(name, effective(rule.policy, subset.policy, port.number), subset.location))
    return result
