"""A service's port, or one subset of it, as Envoy's cluster.

After istio/istio pilot/pkg/networking/core/cluster_traffic_policy.go.
"""

from __future__ import annotations

from meshproof.envoy.clusters.connection_pool import connection_pool
from meshproof.envoy.clusters.destination_rule import effective, merged
from meshproof.envoy.clusters.load_balancer import load_balancer
from meshproof.envoy.clusters.outlier_detection import outlier_detection
from meshproof.envoy.names import cluster_name
from meshproof.envoy.node import Proxy
from meshproof.envoy.unit import Json
from meshproof.mesh.model.destination_rule import TrafficPolicy
from meshproof.mesh.model.kubernetes import Service
from meshproof.mesh.model.mesh import Mesh

HTTP2_PROTOCOLS = frozenset({"http2", "grpc", "grpc-web"})
EDS = {"ads": {}, "resource_api_version": "V3", "initial_fetch_timeout": "0s"}


def cluster(name: str, policy: TrafficPolicy) -> Json:
    """One EDS cluster; panic routing is off, so that ejecting a lone host shows."""
    outlier = policy.outlier_detection
    result: Json = {
        "name": name,
        "type": "EDS",
        "eds_cluster_config": {"eds_config": EDS, "service_name": name},
        **load_balancer(policy),
        "common_lb_config": {"healthy_panic_threshold": {"value": outlier.min_health_percent if outlier else 0}},
        **connection_pool(policy.connection_pool),
    }
    if outlier is not None:
        result["outlier_detection"] = outlier_detection(outlier)
    return result


def clusters(mesh: Mesh, service: Service, proxy: Proxy) -> list[Json]:
    """All clusters of a service as a proxy sees it: each port, whole and by subset."""
    rule = merged(mesh, service, proxy)
    result = []
    for port in service.ports:
        if port.protocol.lower() == "udp":
            continue
        result.append(cluster(cluster_name(service.host, "", port.number), effective(rule.policy, None, port.number)))
        for subset in rule.subsets:
            name = cluster_name(service.host, subset.name, port.number)
            result.append(cluster(name, effective(rule.policy, subset.policy, port.number)))
    return result
