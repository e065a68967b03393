"""Virtual hosts and the route configurations that hold them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from envoy.config.route.v3 import route_pb2

from meshproof.envoy import resource_types as types
from meshproof.envoy.names import domain_name
from meshproof.envoy.resource import Resource, SnapshotError, encoded
from meshproof.envoy.unit import Fields, wrapped
from meshproof.records import dataclass

MAX_DIRECT_RESPONSE_BYTES = 1 << 20
UNKNOWN_HOST_STATUS = 502


@dataclass(frozen=True, slots=True)
class VirtualHost:
    """A virtual host as its part of an encoded route configuration, and the clusters that its routes lead to.

    Encoded messages that follow one another are one message; virtual hosts are then one list.
    """

    content: bytes
    clusters: tuple[str, ...] = ()


class Routes:
    """The routes that several virtual hosts may have, built once."""

    def __init__(self, routes: Sequence[Fields]) -> None:
        """SnapshotError for a field that Envoy does not have."""
        self.clusters = tuple(routed_clusters(routes))
        self._hosts: dict[tuple[str, int, tuple[str, ...], bool], VirtualHost] = {}
        host = {"routes": routes, "include_request_attempt_count": True}
        try:
            self._table = route_pb2.RouteConfiguration(virtual_hosts=[host])
        except (TypeError, ValueError) as error:
            raise SnapshotError("routes: not what Envoy understands", str(error)) from None

    def virtual_host(self, host: str, port: int, domains: Sequence[str], *, tls: bool = False) -> VirtualHost:
        """One virtual host that has them; with `tls` it redirects all plain requests."""
        key = host, port, tuple(domains), tls
        found = self._hosts.get(key)
        if found is None:
            (own,) = self._table.virtual_hosts
            own.name = domain_name(host, port)
            own.domains[:] = domains
            own.require_tls = int(tls and own.ALL)
            found = self._hosts[key] = VirtualHost(self._table.SerializeToString(deterministic=True), self.clusters)
        return found


def routed_clusters(routes: Iterable[Fields]) -> Iterator[str]:
    """The clusters that routes lead to, mirrors included."""
    for route in routes:
        action = route.get("route", {})
        if "cluster" in action:
            yield action["cluster"]
        if "weighted_clusters" in action:
            yield from (one["name"] for one in action["weighted_clusters"]["clusters"])
        if "request_mirror_policies" in action:
            yield from (one["cluster"] for one in action["request_mirror_policies"])


def block_all() -> VirtualHost:
    """The answer to a host that the mesh does not know, as istiod gives it under REGISTRY_ONLY."""
    route = {
        "name": "block_all",
        "match": {"prefix": "/"},
        "direct_response": {"status": UNKNOWN_HOST_STATUS},
    }
    host = {"name": "block_all", "domains": ["*"], "routes": [route]}
    return VirtualHost(encoded(route_pb2.RouteConfiguration, {"virtual_hosts": [host]}, "routes"))


def route_configuration(name: str, hosts: Iterable[VirtualHost]) -> Resource:
    """A route table; a Host header means the same with its port and without."""
    several = list(hosts)
    fields = {
        "name": name,
        "validate_clusters": wrapped(False),
        "ignore_port_in_host_matching": True,
        "max_direct_response_body_size_bytes": wrapped(MAX_DIRECT_RESPONSE_BYTES),
    }
    settings = encoded(route_pb2.RouteConfiguration, fields, f"routes {name}")
    references = tuple((types.CLUSTER, cluster) for one in several for cluster in one.clusters)
    return Resource(types.ROUTE, name, b"".join([settings, *(one.content for one in several)]), references)
