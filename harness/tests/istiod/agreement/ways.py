"""The ways into a proxy as both sides are compared: what a request or a connection meets, by where it comes in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from forms import OUTBOUND, Surroundings, host, written
from forms import known as known_cluster
from meshproof.envoy.compared.essence import tables
from meshproof.envoy.compared.spelling import spelled

Json = dict[str, Any]

ANYWHERE = "*"
MANAGER, TCP_PROXY = "HttpConnectionManager", "TcpProxy"
# istiod's own listeners, which stand for other ways in than those of meshproof's.
OTHER_LISTENERS = frozenset({"virtualOutbound", "virtualInbound", "connect_originate"})
# Where connections go that nothing names: nowhere, as where no listener is.
NOWHERE = {"BlackHoleCluster": 1}
OWN = "of "
ATTEMPTS = "include_request_attempt_count"
# `kubernetes://NAME` of a Gateway's, `kubernetes-gateway://NAMESPACE/NAME` of the Gateway API's.
SECRET = "://"


def ways_in(proxy: str, listeners: Iterable[Json], routes: Iterable[Json], around: Surroundings) -> dict[str, Any]:
    """What each `address:port` of a proxy leads to: its chains.

    Connections of a sidecar's client that are no HTTP are called by the host that they are for: one without an address
    of a Service is told from others by the names that TLS says, by its pods or by the port alone.
    """
    # By a name of their own, so that tables of two ports stay two.
    several = [{**one, "name": f"{OWN}{one['name']}"} for one in routes]
    known = {name: _table(written(spelled(table))) for name, table in tables(several).items()}
    numbers, addressed = around.ports.get(proxy, {}), frozenset(around.hosts.values())
    named: dict[str, list[Json]] = {}
    others: dict[str, list[Json]] = {}
    for one in listeners:
        if one["name"] in OTHER_LISTENERS or "socket_address" not in one.get("address", {}):
            continue
        if not _secrets(one) <= around.secrets:
            # Envoy opens a listener when it has all of its certificates.
            continue
        place, _, text = one["name"].rpartition("_")
        port = numbers.get(int(text), int(text))
        where = ANYWHERE if place in ("0.0.0.0", "::") else around.hosts.get(place, place)
        # A listener of one host alone, at an address of its own or of its pods, has routes of that host's name.
        where = _owner(one) or where
        for chain in _chains(one, known):
            if proxy != "client" or "http" in chain or place in around.hosts or place in addressed:
                several = named.setdefault(f"{where}:{port}", [])
                chain = {**chain, "names": [name for name in chain["names"] if name != where]}
                if chain not in several:
                    several.append(chain)
                continue
            for called in chain["names"] or sorted({host(name) for name in chain["clusters"] if OUTBOUND in name}):
                several = others.setdefault(f"{called}:{port}", [])
                if (chain := {**chain, "names": []}) not in several:
                    several.append(chain)
    return {place: sorted(several, key=repr) for place, several in (others | named).items()}


def _table(table: Json) -> Json:
    """A table, where nothing but the routes of a domain says what becomes of a request's attempts."""
    domains = {
        name: content if content.get("routes") else {key: one for key, one in content.items() if key != ATTEMPTS}
        for name, content in table["domains"].items()
        # No Host is a range of addresses, and none of IPv6 is sent.
        if "/" not in name and not name.startswith("[")
    }
    return {**table, "domains": domains}


def _secrets(listener: Json) -> frozenset[str]:
    """The names of the Secrets that a listener's certificates are in."""

    def named(value: Any) -> Iterator[str]:
        if isinstance(value, dict):
            for key, inner in value.items():
                if key == "tls_certificate_sds_secret_configs":
                    yield from (one["name"].rpartition("/")[2] for one in inner if SECRET in one.get("name", ""))
                else:
                    yield from named(inner)
        elif isinstance(value, list):
            for inner in value:
                yield from named(inner)

    return frozenset(named(listener))


def _chains(listener: Json, known: Mapping[str, Any]) -> list[Json]:
    default = listener.get("default_filter_chain")
    several = [*listener.get("filter_chains", ()), *([default] if default else [])]
    chains = [made for one in several if (made := _chain(one, known)) and made.get("clusters") != NOWHERE]
    if any("application_protocols" in one.get("filter_chain_match", {}) for one in several):
        # What is found not to speak HTTP on a port that does not say what it speaks.
        chains = [one for one in chains if "http" in one]
    return chains


def _chain(chain: Json, known: Mapping[str, Any]) -> Json | None:
    names = sorted(chain.get("filter_chain_match", {}).get("server_names", ()))
    tls = _tls(chain.get("transport_socket", {}).get("typed_config", {}))
    for one in chain.get("filters", ()):
        config = one.get("typed_config", {})
        kind = config.get("@type", "")
        if kind.endswith(MANAGER):
            name = config.get("rds", {}).get("route_config_name", "")
            return {"names": names, "tls": tls, "http": known.get(f"{OWN}{name}", {"domains": {}})}
        if kind.endswith(TCP_PROXY):
            several = config.get("weighted_clusters", {}).get("clusters")
            clusters = {each["name"]: each["weight"] for each in several} if several else {config.get("cluster"): 1}
            return {
                "names": names,
                "tls": tls,
                "clusters": {known_cluster(one): share for one, share in clusters.items()},
            }
    return None


def _owner(listener: Json) -> str:
    """The host whose routes a listener has; empty where it has those of a whole port."""
    for chain in listener.get("filter_chains", ()):
        for one in chain.get("filters", ()):
            name = one.get("typed_config", {}).get("rds", {}).get("route_config_name", "")
            if ":" in name:
                return str(name.rpartition(":")[0])
    return ""


def _tls(context: Json) -> Any:
    if not context:
        return None
    common = context.get("common_tls_context", {})
    params = common.get("tls_params", {})
    return {
        "client certificate": bool(context.get("require_client_certificate")),
        "asks": "validation_context_sds_secret_config" in common or "combined_validation_context" in common,
        "versions": [
            # Envoy's own lowest version, for servers too.
            params.get("tls_minimum_protocol_version", "TLSv1_2"),
            params.get("tls_maximum_protocol_version"),
            params.get("cipher_suites"),
        ],
    }
