"""The kinds of resource that a proxy is given: their type URLs and messages.

Importing the messages of the extensions makes them known to whoever decodes a configuration.
"""

from __future__ import annotations

from typing import Any

from envoy.config.cluster.v3 import cluster_pb2
from envoy.config.endpoint.v3 import endpoint_pb2
from envoy.config.listener.v3 import listener_pb2
from envoy.config.route.v3 import route_pb2
from envoy.extensions.filters.http.cors.v3 import cors_pb2
from envoy.extensions.filters.http.fault.v3 import fault_pb2
from envoy.extensions.filters.http.router.v3 import router_pb2
from envoy.extensions.filters.listener.tls_inspector.v3 import tls_inspector_pb2
from envoy.extensions.filters.network.http_connection_manager.v3 import http_connection_manager_pb2
from envoy.extensions.filters.network.tcp_proxy.v3 import tcp_proxy_pb2
from envoy.extensions.retry.host.previous_hosts.v3 import previous_hosts_pb2
from envoy.extensions.retry.priority.previous_priorities.v3 import previous_priorities_config_pb2
from envoy.extensions.transport_sockets.tls.v3 import secret_pb2, tls_pb2
from envoy.extensions.upstreams.http.v3 import http_protocol_options_pb2

EXTENSIONS = (
    cors_pb2,
    fault_pb2,
    router_pb2,
    tls_inspector_pb2,
    http_connection_manager_pb2,
    tcp_proxy_pb2,
    previous_hosts_pb2,
    previous_priorities_config_pb2,
    tls_pb2,
    http_protocol_options_pb2,
)

PREFIX = "type.googleapis.com/"
CLUSTER = PREFIX + "envoy.config.cluster.v3.Cluster"
ENDPOINT = PREFIX + "envoy.config.endpoint.v3.ClusterLoadAssignment"
LISTENER = PREFIX + "envoy.config.listener.v3.Listener"
ROUTE = PREFIX + "envoy.config.route.v3.RouteConfiguration"
SECRET = PREFIX + "envoy.extensions.transport_sockets.tls.v3.Secret"

MESSAGES: dict[str, Any] = {
    CLUSTER: cluster_pb2.Cluster,
    ENDPOINT: endpoint_pb2.ClusterLoadAssignment,
    LISTENER: listener_pb2.Listener,
    ROUTE: route_pb2.RouteConfiguration,
    SECRET: secret_pb2.Secret,
}
KEYS = {CLUSTER: "name", ENDPOINT: "cluster_name", LISTENER: "name", ROUTE: "name", SECRET: "name"}
PLURALS = {
    CLUSTER: "clusters",
    ENDPOINT: "endpoints",
    LISTENER: "listeners",
    ROUTE: "routes",
    SECRET: "secrets",
}
SINGULARS = {
    CLUSTER: "cluster",
    ENDPOINT: "endpoint assignment",
    LISTENER: "listener",
    ROUTE: "route configuration",
    SECRET: "secret",
}
# What refers to other resources, in the order in which people read of it.
REFERRING = (ROUTE, LISTENER, CLUSTER)
