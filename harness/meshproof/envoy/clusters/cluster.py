"""A service's port, or one subset of it, as Envoy's cluster.

After istio/istio pilot/pkg/networking/core/cluster_traffic_policy.go.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from envoy.config.cluster.v3 import cluster_pb2

from meshproof.envoy import resource_types as types
from meshproof.envoy.clusters.client_tls import Originated, by_request, client_tls, transport_socket
from meshproof.envoy.clusters.connection_pool import Upstream, connection_pool
from meshproof.envoy.clusters.destination_rule import effective, merged
from meshproof.envoy.clusters.load_balancer import load_balancer
from meshproof.envoy.clusters.locality import is_weighted
from meshproof.envoy.clusters.outlier_detection import outlier_detection
from meshproof.envoy.names import cluster_name
from meshproof.envoy.node import Kind, Proxy
from meshproof.envoy.resource import Resource, encoded
from meshproof.envoy.unit import Fields, duration, wrapped
from meshproof.mesh.model.destination_rule import (
    ConnectionPool,
    ConsistentHash,
    LoadBalancer,
    OutlierDetection,
    RetryBudget,
    TrafficPolicy,
    Warmup,
)
from meshproof.mesh.model.kubernetes import Service, ServicePort
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.mesh_config import DEFAULT, MeshConfig

HTTP2_PROTOCOLS = frozenset({"http2", "grpc", "grpc-web"})
EDS = {"ads": {}, "resource_api_version": "V3", "initial_fetch_timeout": duration(0)}


def cluster(
    name: str,
    policy: TrafficPolicy,
    tls: Originated | None = None,
    upstream: Upstream = Upstream.HTTP1,
    config: MeshConfig = DEFAULT,
    service: Service | None = None,
) -> Resource:
    """One EDS cluster; its assignment of endpoints has the same name.

    Encoded messages that follow one another are one message with the fields of all of them.
    """
    own = cluster_pb2.Cluster(name=name, eds_cluster_config={"service_name": name}).SerializeToString()
    balancing = policy.load_balancer, policy.consistent_hash, policy.warmup
    pool, outlier, weighted = policy.connection_pool, policy.outlier_detection, is_weighted(policy, config, service)
    timeout, budget = config.connect_timeout, policy.retry_budget
    settings = configured(
        balancing, pool, outlier, upstream, weighted=weighted, tls=tls, timeout=timeout, budget=budget
    )
    return Resource(types.CLUSTER, name, own + settings, ((types.ENDPOINT, name),))


@lru_cache(maxsize=4096)
def configured(
    balancing: tuple[LoadBalancer, ConsistentHash | None, Warmup | None],
    pool: ConnectionPool | None,
    outlier: OutlierDetection | None,
    upstream: Upstream,
    *,
    weighted: bool,
    tls: Originated | None,
    timeout: float | None = None,
    budget: RetryBudget | None = None,
) -> bytes:
    """All of a cluster but its names, encoded; panic routing is off, so that ejecting a lone host shows."""
    by_locality: Fields = {"locality_weighted_lb_config": {}} if weighted else {}
    result: Fields = {
        "type": "EDS",
        "eds_cluster_config": {"eds_config": EDS},
        **load_balancer(*balancing),
        "common_lb_config": {
            "healthy_panic_threshold": wrapped(outlier.min_health_percent if outlier else 0),
            **by_locality,
        },
        **connection_pool(pool, upstream, by_request(tls), timeout, budget),
    }
    if tls is not None:
        result["transport_socket"] = transport_socket(tls)
    if outlier is not None:
        result["outlier_detection"] = outlier_detection(outlier)
    return encoded(cluster_pb2.Cluster, result, "clusters")


def clusters(mesh: Mesh, service: Service, proxy: Proxy) -> Iterator[Resource]:
    """All clusters of a service as a proxy sees it: each port, whole and by subset."""
    rule = merged(mesh, service, proxy)
    for port in service.ports:
        if port.protocol.lower() == "udp":
            continue
        for subset in (None, *rule.subsets):
            name = cluster_name(service.host, subset.name if subset else "", port.number)
            policy = effective(rule.policy, subset.policy if subset else None, port.number)
            tls = client_tls(policy.tls, service, rule, proxy)
            yield cluster(name, policy, tls, spoken(port, policy, proxy, mesh.config), mesh.config, service)


def spoken(port: ServicePort, policy: TrafficPolicy, proxy: Proxy, config: MeshConfig) -> Upstream:
    """How pods are called: applyTrafficPolicy first, then setUpstreamProtocol (cluster_builder.go)."""
    pool = policy.connection_pool
    if (pool and pool.use_client_protocol) or (port.sniffed and proxy.kind is not Kind.GATEWAY):
        return Upstream.CLIENT
    if port.protocol.lower() in HTTP2_PROTOCOLS or upgraded(port, pool, config):
        return Upstream.HTTP2
    return Upstream.HTTP1


def upgraded(port: ServicePort, pool: ConnectionPool | None, config: MeshConfig) -> bool:
    """shouldH2Upgrade: what a destination says, else what the mesh does of ports that say they speak HTTP."""
    if pool and pool.upgrade_to_http2 is not None:
        return pool.upgrade_to_http2
    return config.upgrade_to_http2 and port.is_http and not port.sniffed
