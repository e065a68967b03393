"""A proxy's configuration as both sides are compared: what a request or a connection meets, by where it comes in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from meshproof.envoy.compared.essence import tables
from meshproof.envoy.compared.spelling import spelled

Json = dict[str, Any]

ANYWHERE = "*"
OUTBOUND = "outbound|"
MANAGER, TCP_PROXY = "HttpConnectionManager", "TcpProxy"
# istiod's own listeners, which stand for other ways in than those of meshproof's.
OTHER_LISTENERS = frozenset({"virtualOutbound", "virtualInbound", "connect_originate"})
# How a ServiceEntry's endpoints are found; on the embedded mesh pods stand for them.
DISCOVERY = frozenset(
    {
        *("type", "eds_cluster_config", "load_assignment", "dns_refresh_rate", "respect_dns_ttl", "dns_lookup_family"),
        *("dns_jitter", "cluster_type", "name", "lb_policy", "typed_dns_resolver_config", "dns_failure_refresh_rate"),
        # Ports that say no protocol are called by that of the client.
        "typed_extension_protocol_options",
    }
)


def clusters(resources: Iterable[Json]) -> dict[str, Any]:
    """The outbound clusters by name; whether TLS is spoken to them stands among the rest."""
    found = {}
    for one in resources:
        if one["name"].startswith(OUTBOUND):
            content = {key: value for key, value in spelled(one).items() if key not in DISCOVERY}
            found[one["name"]] = {**content, "passes through": one.get("lb_policy") == "CLUSTER_PROVIDED"}
            if one.get("lb_policy") not in (None, "CLUSTER_PROVIDED"):
                found[one["name"]]["lb_policy"] = one["lb_policy"]
            secured = "transport_socket" in one or any(
                "tls" in match.get("transport_socket", {}).get("name", "")
                for match in one.get("transport_socket_matches", ())
            )
            found[one["name"]]["speaks TLS"] = secured
    return found


def endpoints(resources: Iterable[Json]) -> dict[str, Any]:
    """The addresses behind each cluster that has some."""
    found = {}
    for one in resources:
        groups = one.get("endpoints", ())
        several = sorted(
            _address(each["endpoint"]["address"]) for group in groups for each in group.get("lb_endpoints", ())
        )
        if several and one["cluster_name"].startswith(OUTBOUND):
            found[one["cluster_name"]] = several
    return found


def _address(address: Json) -> str:
    socket = address.get("socket_address", {})
    return f"{socket.get('address')}:{socket.get('port_value')}"


def ways_in(listeners: Iterable[Json], routes: Iterable[Json], hosts: Mapping[str, str]) -> dict[str, Any]:
    """What each address and port leads to; `hosts` names the addresses of Services."""
    known = {name: spelled(table) for name, table in tables(list(routes)).items()}
    found: dict[str, Any] = {}
    for one in listeners:
        if one["name"] in OTHER_LISTENERS or "socket_address" not in one.get("address", {}):
            continue
        place, _, port = one["name"].rpartition("_")
        where = ANYWHERE if place in ("0.0.0.0", "::") else hosts.get(place, place)
        default = one.get("default_filter_chain")
        several = [*one.get("filter_chains", ()), *([default] if default else [])]
        chains = [_chain(chain, known) for chain in several]
        if any("application_protocols" in chain.get("filter_chain_match", {}) for chain in several):
            # What is found not to speak HTTP on a port that does not say what it speaks.
            chains = [one for one in chains if one and "http" in one]
        found[f"{where}:{port}"] = sorted((one for one in chains if one), key=repr)
    return found


def _chain(chain: Json, known: Mapping[str, Any]) -> Any:
    match = chain.get("filter_chain_match", {})
    if match.get("transport_protocol") == "raw_buffer" and not match.get("application_protocols"):
        match = {key: value for key, value in match.items() if key != "transport_protocol"}
    names = sorted(match.get("server_names", ()))
    tls = _tls(chain.get("transport_socket", {}).get("typed_config", {}))
    for one in chain.get("filters", ()):
        config = one.get("typed_config", {})
        kind = config.get("@type", "")
        if kind.endswith(MANAGER):
            name = config.get("rds", {}).get("route_config_name", "")
            return {"names": names, "tls": tls, "http": known.get(_table(name), {"domains": {}})}
        if kind.endswith(TCP_PROXY):
            several = config.get("weighted_clusters", {}).get("clusters")
            clusters = {each["name"]: each["weight"] for each in several} if several else {config.get("cluster"): 1}
            return {"names": names, "tls": tls, "clusters": clusters}
    return None


def _table(name: str) -> str:
    return {"http.80": "http.8080"}.get(name, name)


def _tls(context: Json) -> Any:
    if not context:
        return None
    common = context.get("common_tls_context", {})
    params = common.get("tls_params", {})
    return {
        "client certificate": bool(context.get("require_client_certificate")),
        "asks": "validation_context_sds_secret_config" in common or "combined_validation_context" in common,
        "versions": [
            params.get("tls_minimum_protocol_version", "TLSv1_2"),
            params.get("tls_maximum_protocol_version"),
            params.get("cipher_suites"),
        ],
    }
