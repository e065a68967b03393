"""istiod's listeners on this machine's ports."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from meshproof.envoy.istiod.extensions import known
from meshproof.envoy.istiod.objects import Cluster
from meshproof.envoy.listeners.listener import IPPROTO_TCP, LOOPBACK, TCP_NODELAY
from meshproof.envoy.listeners.tcp import sniffed_ports, tcp_ports
from meshproof.envoy.names import WILDCARD_ADDRESS, listener_name, tcp_listener_name
from meshproof.envoy.node import Kind, Proxy
from meshproof.envoy.sidecar_scope import sidecar_scope
from meshproof.mesh.model.kubernetes import Service
from meshproof.mesh.model.mesh import Mesh
from meshproof.records import dataclass

Json = dict[str, Any]

INBOUND = frozenset({"virtualOutbound", "virtualInbound"})
ORIGINAL_DESTINATION = "envoy.filters.listener.original_dst"
# Certificates and authorities that istiod names by their paths, and those of the mesh.
BY_AGENT = re.compile("file-(cert|root):.*|default|ROOTCA")
BY_ADS: Json = {"ads": {}, "resource_api_version": "V3", "initial_fetch_timeout": "0s"}
# What is about addresses and sockets of a pod.
OF_PODS = frozenset(
    {
        "access_log",
        "additional_addresses",
        "bind_to_port",
        "connection_balance_config",
        "default_filter_chain",
        "deprecated_v1",
        "enable_reuse_port",
        "socket_options",
        "transparent",
        "use_original_dst",
    }
)


@dataclass(frozen=True, slots=True)
class Placed:
    """The mesh, the proxy and the cluster that listeners are for."""

    mesh: Mesh
    proxy: Proxy
    cluster: Cluster


def listeners(several: Iterable[Json], placed: Placed) -> Iterator[Json]:
    """A listener for each port, and for each service's port that one stands for alone, by this project's names."""
    by_name = {one["name"]: one for one in several if one["name"] not in INBOUND and "socket_address" in one["address"]}
    for name, one in by_name.items():
        if name.rpartition("_")[0] in (WILDCARD_ADDRESS, "::"):
            opened = int(one["address"]["socket_address"]["port_value"])
            for number in _called(placed, opened):
                yield _local(one, listener_name(number), placed.proxy.ports.get(number, 0))
    if placed.proxy.kind is Kind.GATEWAY:
        return
    mesh = sidecar_scope(placed.mesh, placed.proxy)
    for service, port in (*tcp_ports(mesh, placed.proxy), *sniffed_ports(mesh, placed.proxy)):
        for address in (*_addresses(service, placed), WILDCARD_ADDRESS):
            found = by_name.get(f"{address}_{port.number}")
            if found is not None:
                yield _local(found, tcp_listener_name(service.host, port.number), 0)
                break


def _called(placed: Placed, opened: int) -> list[int]:
    """The ports of a gateway's servers that its pods open one port for: those of its Services, else the port itself."""
    proxy = placed.proxy
    if proxy.kind is not Kind.GATEWAY:
        return [opened]
    own = (
        one
        for one in placed.mesh.services
        if one.namespace == proxy.namespace and one.selector and one.selector.items() <= proxy.labels.items()
    )
    leading = [port.number for one in own for port in one.ports if port.target == opened]
    return sorted({*leading}) or [opened]


def _addresses(service: Service, placed: Placed) -> Iterator[str]:
    """The addresses that a service has listeners by: its own, or those of its pods."""
    for one in placed.cluster.objects:
        if one["metadata"].get("namespace") != service.namespace:
            continue
        if one["kind"] == "Service" and one["metadata"]["name"] == service.name and not service.hostname:
            yield one["spec"].get("clusterIP", "")
        if one["kind"] == "ServiceEntry" and service.hostname in one["spec"].get("hosts", ()):
            yield from (place.partition("/")[0] for place in one["spec"].get("addresses", ()))
    behind = {workload.key for workload in placed.mesh.behind(service)}
    yield from (place for place, (workload, _) in placed.cluster.pods.items() if workload.key in behind)


def _local(listener: Json, name: str, port: int) -> Json:
    kept = _stood_in_for(known({key: value for key, value in listener.items() if key not in OF_PODS}))
    chains = [one for one in kept.get("filter_chains", ()) if one.get("filters")]
    if default := listener.get("default_filter_chain"):
        chains.append(known(default))
    filters = [one for one in kept.get("listener_filters", ()) if one["name"] != ORIGINAL_DESTINATION]
    made = {
        **kept,
        "name": name,
        "address": {"socket_address": {"address": LOOPBACK, "port_value": port}},
        "enable_reuse_port": False,
        "socket_options": [{"description": name, "level": IPPROTO_TCP, "name": TCP_NODELAY, "int_value": 1}],
        "filter_chains": chains,
    }
    made.pop("listener_filters", None)
    return {**made, "listener_filters": filters} if filters else made


def _stood_in_for(value: Any) -> Any:
    """A document in which what an agent in the gateway's pods would give comes as other secrets do."""
    if isinstance(value, Mapping):
        if "sds_config" in value and BY_AGENT.fullmatch(str(value.get("name", ""))):
            return {**value, "sds_config": BY_ADS}
        return {name: _stood_in_for(inner) for name, inner in value.items()}
    return [_stood_in_for(one) for one in value] if isinstance(value, list) else value
