"""The static part of an Envoy's configuration: where its admin page and its control plane are.

https://www.envoyproxy.io/docs/envoy/latest/api-v3/config/bootstrap/v3/bootstrap.proto
"""

from __future__ import annotations

import json
from pathlib import Path

from meshproof.envoy.clusters.connection_pool import PROTOCOL_OPTIONS
from meshproof.envoy.unit import Json
from meshproof.envoy.unix_socket import socket_path

ADS_CLUSTER = "ads"
ADMIN_SOCKET = "admin.sock"
MAX_CONNECTIONS = 50_000
# As istiod's bootstrap has it: a fragment is cut off the path, where Envoy would answer 400, and regular expressions
# have programs of up to so many instructions.
RUNTIME = {
    "envoy.reloadable_features.http_reject_path_with_fragment": False,
    "re2.max_program_size.error_level": "32768",
}


def ads_cluster(path: Path) -> Json:
    return {
        "name": ADS_CLUSTER,
        "type": "STATIC",
        "connect_timeout": "5s",
        "load_assignment": {
            "cluster_name": ADS_CLUSTER,
            "endpoints": [{"lb_endpoints": [{"endpoint": {"address": {"pipe": {"path": socket_path(path)}}}}]}],
        },
        "typed_extension_protocol_options": {
            PROTOCOL_OPTIONS: {
                "@type": f"type.googleapis.com/{PROTOCOL_OPTIONS}",
                "explicit_http_config": {"http2_protocol_options": {}},
            }
        },
    }


def bootstrap(node: str, admin: Path, ads: Path) -> Json:
    """The bootstrap configuration of the proxy `node`; both paths are unix sockets."""
    source = {"ads": {}, "resource_api_version": "V3", "initial_fetch_timeout": "0s"}
    limit = "envoy.resource_monitors.global_downstream_max_connections"
    return {
        "node": {"id": node, "cluster": "meshproof"},
        "admin": {"address": {"pipe": {"path": socket_path(admin), "mode": 0o600}}},
        "dynamic_resources": {
            "ads_config": {
                "api_type": "GRPC",
                "transport_api_version": "V3",
                "grpc_services": [{"envoy_grpc": {"cluster_name": ADS_CLUSTER}}],
            },
            "cds_config": source,
            "lds_config": source,
        },
        "static_resources": {"clusters": [ads_cluster(ads)]},
        "layered_runtime": {"layers": [{"name": "istio", "static_layer": RUNTIME}]},
        # Far above any load here: it only answers Envoy's warning that there is no limit.
        "overload_manager": {
            "resource_monitors": [
                {
                    "name": limit,
                    "typed_config": {
                        "@type": "type.googleapis.com/envoy.extensions.resource_monitors.downstream_connections.v3."
                        "DownstreamConnectionsConfig",
                        "max_active_downstream_connections": MAX_CONNECTIONS,
                    },
                }
            ]
        },
    }


def write_bootstrap(folder: Path, node: str, ads: Path) -> Path:
    """Write bootstrap.json into the proxy's own folder (to be 0700) and give its path."""
    path = folder / "bootstrap.json"
    path.write_text(json.dumps(bootstrap(node, folder / ADMIN_SOCKET, ads), indent=1), encoding="utf-8")
    return path
