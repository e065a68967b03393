"""Listeners: where a proxy takes requests, and by which route configuration."""

from __future__ import annotations

from meshproof.envoy.names import listener_name
from meshproof.envoy.node import Kind, Proxy
from meshproof.envoy.routes import cors, fault
from meshproof.envoy.unit import Json

LOOPBACK = "127.0.0.1"
IPPROTO_TCP = 6
TCP_NODELAY = 1
HCM = "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
ROUTER = "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"
RDS = {"ads": {}, "resource_api_version": "V3", "initial_fetch_timeout": "0s"}


def http_filters() -> list[Json]:
    """Fault and CORS act only where a route configures them."""
    return [
        {"name": fault.FILTER, "typed_config": {"@type": fault.TYPE}},
        {"name": cors.FILTER, "typed_config": {"@type": f"{cors.TYPE.removesuffix('CorsPolicy')}Cors"}},
        {"name": "envoy.filters.http.router", "typed_config": {"@type": ROUTER}},
    ]


def connection_manager(kind: Kind, port: int, routes: str) -> Json:
    """The HTTP connection manager of a listener; paths are normalised as by Istio's default (BASE)."""
    manager: Json = {
        "@type": HCM,
        "stat_prefix": f"outbound_{listener_name(port)}",
        "rds": {"config_source": RDS, "route_config_name": routes},
        "http_filters": http_filters(),
        "normalize_path": True,
        "stream_idle_timeout": "0s",
        "upgrade_configs": [{"upgrade_type": "websocket"}],
        "proxy_100_continue": True,
    }
    if kind is Kind.GATEWAY:
        manager |= {
            "use_remote_address": True,
            "server_name": "istio-envoy",
            "forward_client_cert_details": "SANITIZE_SET",
            "set_current_client_cert_details": {"subject": True, "cert": True, "dns": True, "uri": True},
        }
    return {"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}


def own_socket(name: str) -> Json:
    """A socket option that sets listeners apart by its description; it itself changes nothing.

    Envoy gives a new listener the socket of one that is just being removed when their addresses and
    socket options are the same, and "any free port" is the same address for all: without this two
    listeners would end up on one port.
    """
    return {"description": name, "level": IPPROTO_TCP, "name": TCP_NODELAY, "int_value": 1}


def listener(proxy: Proxy, port: int, chains: list[Json], inspect_tls: bool = False) -> Json:
    """A listener for a service's (or Gateway server's) port; without reuse_port two Envoys never share one silently."""
    result: Json = {
        "name": listener_name(port),
        "address": {"socket_address": {"address": LOOPBACK, "port_value": proxy.ports.get(port, 0)}},
        "enable_reuse_port": False,
        "socket_options": [own_socket(listener_name(port))],
        "traffic_direction": "OUTBOUND",
        "filter_chains": chains,
    }
    if inspect_tls:
        inspector = "type.googleapis.com/envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector"
        result["listener_filters"] = [
            {"name": "envoy.filters.listener.tls_inspector", "typed_config": {"@type": inspector}}
        ]
    return result


def http_chain(proxy: Proxy, port: int, routes: str) -> Json:
    """A filter chain that routes plain HTTP."""
    return {"filters": [connection_manager(proxy.kind, port, routes)]}
