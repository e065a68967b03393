"""Virtual hosts and the route configurations that hold them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from meshproof.envoy.names import domain_name
from meshproof.envoy.unit import Json

MAX_DIRECT_RESPONSE_BYTES = 1 << 20
UNKNOWN_HOST_STATUS = 502


def virtual_host(host: str, port: int, domains: Sequence[str], routes: Iterable[Json]) -> Json:
    return {
        "name": domain_name(host, port),
        "domains": list(domains),
        "routes": list(routes),
        "include_request_attempt_count": True,
    }


def block_all() -> Json:
    """The answer to a host that the mesh does not know, as istiod gives it under REGISTRY_ONLY."""
    route = {
        "name": "block_all",
        "match": {"prefix": "/"},
        "direct_response": {"status": UNKNOWN_HOST_STATUS},
    }
    return {"name": "block_all", "domains": ["*"], "routes": [route]}


def route_configuration(name: str, hosts: Iterable[Json]) -> Json:
    """A route table; a Host header means the same with its port and without."""
    return {
        "name": name,
        "virtual_hosts": list(hosts),
        "validate_clusters": False,
        "ignore_port_in_host_matching": True,
        "max_direct_response_body_size_bytes": MAX_DIRECT_RESPONSE_BYTES,
    }
