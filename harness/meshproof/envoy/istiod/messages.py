"""Messages that istiod's configuration has and this project's own has not: importing them makes them known."""

from __future__ import annotations

from envoy.extensions.clusters.dns.v3 import dns_cluster_pb2
from envoy.extensions.filters.http.grpc_stats.v3 import config_pb2
from envoy.extensions.filters.http.rbac.v3 import rbac_pb2 as http_rbac_pb2
from envoy.extensions.filters.listener.http_inspector.v3 import http_inspector_pb2
from envoy.extensions.filters.network.rbac.v3 import rbac_pb2 as network_rbac_pb2
from envoy.extensions.filters.network.set_filter_state.v3 import set_filter_state_pb2
from envoy.extensions.filters.network.sni_cluster.v3 import sni_cluster_pb2
from envoy.extensions.http.original_ip_detection.xff.v3 import xff_pb2
from envoy.extensions.load_balancing_policies.client_side_weighted_round_robin.v3 import (
    client_side_weighted_round_robin_pb2,
)
from envoy.extensions.load_balancing_policies.least_request.v3 import least_request_pb2
from envoy.extensions.load_balancing_policies.maglev.v3 import maglev_pb2
from envoy.extensions.load_balancing_policies.random.v3 import random_pb2
from envoy.extensions.load_balancing_policies.ring_hash.v3 import ring_hash_pb2
from envoy.extensions.load_balancing_policies.round_robin.v3 import round_robin_pb2
from envoy.extensions.path.match.uri_template.v3 import uri_template_match_pb2
from envoy.extensions.path.rewrite.uri_template.v3 import uri_template_rewrite_pb2
from envoy.extensions.request_id.uuid.v3 import uuid_pb2
from envoy.extensions.retry.priority.previous_priorities.v3 import previous_priorities_config_pb2
from envoy.extensions.transport_sockets.raw_buffer.v3 import raw_buffer_pb2

MODULES = (
    client_side_weighted_round_robin_pb2,
    config_pb2,
    dns_cluster_pb2,
    http_inspector_pb2,
    http_rbac_pb2,
    least_request_pb2,
    maglev_pb2,
    network_rbac_pb2,
    previous_priorities_config_pb2,
    random_pb2,
    raw_buffer_pb2,
    ring_hash_pb2,
    round_robin_pb2,
    set_filter_state_pb2,
    sni_cluster_pb2,
    uri_template_match_pb2,
    uri_template_rewrite_pb2,
    uuid_pb2,
    xff_pb2,
)
