"""Listeners: where a proxy takes requests, and by which route configuration."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from envoy.extensions.filters.http.cors.v3 import cors_pb2
from envoy.extensions.filters.http.fault.v3 import fault_pb2
from envoy.extensions.filters.http.router.v3 import router_pb2
from envoy.extensions.filters.listener.tls_inspector.v3 import tls_inspector_pb2
from envoy.extensions.filters.network.http_connection_manager.v3 import http_connection_manager_pb2

from meshproof.envoy import resource_types as types
from meshproof.envoy.names import listener_name
from meshproof.envoy.node import Kind, Proxy
from meshproof.envoy.resource import Reference, Resource, packed, resource
from meshproof.envoy.routes import cors, fault
from meshproof.envoy.unit import Fields, duration, wrapped
from meshproof.mesh.model.mesh_config import PathNormalization

LOOPBACK = "127.0.0.1"
IPPROTO_TCP = 6
TCP_NODELAY = 1
RDS = {"ads": {}, "resource_api_version": "V3", "initial_fetch_timeout": duration(0)}

TLS_INSPECTOR: Fields = {
    "name": "envoy.filters.listener.tls_inspector",
    "typed_config": packed(tls_inspector_pb2.TlsInspector, {}),
}


def http_filters(first: Sequence[Fields] = ()) -> list[Fields]:
    """Fault and CORS act only where a route configures them."""
    return [
        *first,
        {"name": fault.FILTER, "typed_config": packed(fault_pb2.HTTPFault, {})},
        {"name": cors.FILTER, "typed_config": packed(cors_pb2.Cors, {})},
        {"name": "envoy.filters.http.router", "typed_config": packed(router_pb2.Router, {})},
    ]


MERGING: Fields = {"merge_slashes": True}
# What a mesh's pathNormalization adds to normalize_path.
PATHS: dict[PathNormalization, Fields] = {
    PathNormalization.BASE: {},
    PathNormalization.MERGE_SLASHES: MERGING,
    PathNormalization.DECODE_AND_MERGE_SLASHES: {**MERGING, "path_with_escaped_slashes_action": "UNESCAPE_AND_FORWARD"},
}


def connection_manager(
    kind: Kind,
    port: int,
    routes: str,
    first: Sequence[Fields] = (),
    paths: PathNormalization = PathNormalization.BASE,
) -> Fields:
    """The HTTP connection manager of a listener; `first` are the HTTP filters that come before all others."""
    manager: Fields = {
        "stat_prefix": f"outbound_{listener_name(port)}",
        "rds": {"config_source": RDS, "route_config_name": routes},
        "http_filters": http_filters(first),
        "normalize_path": wrapped(True),
        **PATHS[paths],
        "stream_idle_timeout": duration(0),
        "upgrade_configs": [{"upgrade_type": "websocket"}],
        "proxy_100_continue": True,
    }
    if kind is Kind.GATEWAY:
        manager |= {
            "use_remote_address": wrapped(True),
            "server_name": "istio-envoy",
            "forward_client_cert_details": "SANITIZE_SET",
            "set_current_client_cert_details": {"subject": wrapped(True), "cert": True, "dns": True, "uri": True},
        }
    return {
        "name": "envoy.filters.network.http_connection_manager",
        "typed_config": packed(http_connection_manager_pb2.HttpConnectionManager, manager),
    }


def own_socket(name: str) -> Fields:
    """A socket option that sets listeners apart by its description; it itself changes nothing.

    Envoy gives a new listener the socket of one that is just being removed when their addresses and
    socket options are the same, and "any free port" is the same address for all: without this two
    listeners would end up on one port.
    """
    return {"description": name, "level": IPPROTO_TCP, "name": TCP_NODELAY, "int_value": 1}


def on_loopback(name: str, port: int, chains: list[Fields]) -> Fields:
    """A listener on a local port (0: any free one); without reuse_port two Envoys never share one silently."""
    return {
        "name": name,
        "address": {"socket_address": {"address": LOOPBACK, "port_value": port}},
        "enable_reuse_port": wrapped(False),
        "socket_options": [own_socket(name)],
        "traffic_direction": "OUTBOUND",
        "filter_chains": chains,
    }


def listener(
    proxy: Proxy, port: int, chains: list[Fields], references: Iterable[Reference], inspect_tls: bool = False
) -> Resource:
    """A listener for a service's (or Gateway server's) port; `references` are what its filter chains name."""
    result = on_loopback(listener_name(port), proxy.ports.get(port, 0), chains)
    if inspect_tls:
        result["listener_filters"] = [TLS_INSPECTOR]
    return resource(types.LISTENER, result, references)


def http_chain(
    proxy: Proxy,
    port: int,
    routes: str,
    first: Sequence[Fields] = (),
    paths: PathNormalization = PathNormalization.BASE,
) -> Fields:
    """A filter chain that routes plain HTTP; `first` are the HTTP filters that come before all others."""
    return {"filters": [connection_manager(proxy.kind, port, routes, first, paths)]}
