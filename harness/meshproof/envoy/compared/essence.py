"""What of a proxy's configuration decides what becomes of a request: the part that is compared."""

from __future__ import annotations

import ipaddress
from typing import Any

Json = dict[str, Any]

# Fields that one of the two does not set, and why that changes nothing that a request meets. All else is equal.
UNCOMPARED = {
    "@type": "a dump names the type of each resource",
    "alt_stat_name": "a name for statistics",
    "decorator": "a name for traces",
    "track_remaining": "four gauges more, which meshproof reads",
    "trace_sampled": "whether copies are traced",
}
# Who is served that no Service or VirtualService names: meshproof refuses (REGISTRY_ONLY), Istio's default passes on.
UNKNOWN_HOSTS = frozenset({"allow_any", "block_all"})
# istiod names a gateway's plain routes by the target port of the ingress gateway's Service.
TARGET_PORTS = {"http.80": "http.8080"}
DETECTORS = {"consecutive_5xx": (5, 100), "consecutive_gateway_failure": (5, 0)}


def essence(value: Any) -> Any:
    """A document without what is not compared."""
    if isinstance(value, dict):
        kept = {key: essence(inner) for key, inner in value.items() if key not in UNCOMPARED}
        if "outlier_detection" in kept:
            kept["outlier_detection"] = detectors(kept["outlier_detection"])
        if kept.get("path_redirect") == "":
            del kept["path_redirect"]
        return kept
    return [essence(inner) for inner in value] if isinstance(value, list) else value


def detectors(settings: Json) -> Json:
    """Outlier detection with Envoy's defaults written out; a detector that is not enforced counts nothing."""
    kept = dict(settings)
    for name, (count, enforced) in DETECTORS.items():
        kept.setdefault(f"enforcing_{name}", enforced)
        kept.setdefault(name, count)
        if not kept[f"enforcing_{name}"]:
            del kept[name]
    return kept


def clusters(resources: list[Json]) -> Json:
    """Clusters by name."""
    return {one["name"]: essence(one) for one in resources}


def tables(resources: list[Json]) -> dict[str, Json]:
    """Route configurations by name, each with what it has for every domain.

    By domain, because istiod lets hosts with the same routes share one virtual host; Services' addresses are
    another cluster's.
    """
    found: dict[str, Json] = {}
    for table in resources:
        domains: Json = {}
        for host in table.get("virtual_hosts", ()):
            if host["name"] not in UNKNOWN_HOSTS:
                content = essence({key: value for key, value in host.items() if key not in ("name", "domains")})
                domains |= {domain: content for domain in host["domains"] if not is_address(domain)}
        own = {key: value for key, value in table.items() if key not in ("name", "virtual_hosts")}
        name = str(table["name"])
        found[TARGET_PORTS.get(name, name)] = {**essence(own), "domains": domains}
    return found


def is_address(domain: str) -> bool:
    try:
        ipaddress.ip_address(domain)
    except ValueError:
        return False
    return True
