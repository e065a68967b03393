"""A proxy's clusters and endpoints as both sides are compared: those that something leads to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from meshproof.envoy.compared.spelling import spelled
from meshproof.envoy.istiod.snapshot import is_of_the_mesh

Json = dict[str, Any]

OUTBOUND = "outbound|"
PASSES = "CLUSTER_PROVIDED"
OPTIONS = "typed_extension_protocol_options"
# How a ServiceEntry's endpoints are found; on the embedded mesh pods stand for them.
DISCOVERY = frozenset(
    {
        *("type", "eds_cluster_config", "load_assignment", "dns_refresh_rate", "respect_dns_ttl", "dns_lookup_family"),
        *("dns_jitter", "cluster_type", "name", "lb_policy", "typed_dns_resolver_config", "dns_failure_refresh_rate"),
        *(OPTIONS, "original_dst_lb_config"),
        # How a connection without traffic is kept.
        "upstream_connection_options",
    }
)
# Envoy's own values, where a field is left out: letters of paths count, and a warm-up is a straight line from 10 %.
DEFAULTS = {"case_sensitive": True, "min_weight_percent": {"value": 10.0}}
STRAIGHT = 1.0
# istiod's own name for what no cluster is, and the answer 500.
NOBODY = "UnknownService"
# What stands for any address outside.
OUTSIDE = "outside"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What is known of a case: `hosts` by the addresses of their Services.

    Of hosts that are `headless`, or `unresolved` as ServiceEntries may be, the client says by an address who answers.
    On the embedded mesh the proxy sends to their pods, and to what stands in for them; rules that lead there are told.
    `pods` are the addresses of workloads' replicas and `gateways` those of gateways; `ports` says by gateway which
    port of its Service leads to which of its own; `secrets` are the names of Secrets.
    """

    hosts: Mapping[str, str]
    headless: frozenset[str]
    unresolved: frozenset[str]
    pods: frozenset[str]
    gateways: frozenset[str]
    ports: Mapping[str, Mapping[int, int]]
    secrets: frozenset[str]


def written(value: Any) -> Any:
    """A document without what Envoy takes anyway, and one name for clusters that stand for backends of other kinds."""
    if isinstance(value, list):
        return [written(inner) for inner in value]
    if isinstance(value, str):
        return known(value)
    if not isinstance(value, dict):
        return value
    kept = {key: written(inner) for key, inner in value.items() if DEFAULTS.get(key) != inner}
    if "retry_on" in kept:
        # Envoy passes over what is empty between commas.
        kept["retry_on"] = kept["retry_on"].strip(",")
    if kept.get("aggression", {}).get("default_value") == STRAIGHT:
        del kept["aggression"]
    return kept


def known(cluster: str) -> str:
    """A cluster's name; one for those that stand for backends of other kinds."""
    return NOBODY if cluster.startswith(OUTBOUND) and " " in cluster else cluster


def led_to(*resources: Any) -> Iterator[str]:
    """The clusters that routes and listeners name: nobody meets another one."""
    for one in resources:
        if isinstance(one, dict):
            yield from led_to(*one.values())
        elif isinstance(one, list):
            yield from led_to(*one)
        elif isinstance(one, str) and one.startswith(OUTBOUND):
            yield one


def clusters(resources: Iterable[Json], around: Surroundings) -> dict[str, Any]:
    """The outbound clusters by name; whether TLS is spoken to them stands among the rest."""
    found = {}
    for one in resources:
        name, policy = one["name"], one.get("lb_policy")
        if not name.startswith(OUTBOUND):
            continue
        content = {key: value for key, value in written(spelled(one)).items() if key not in DISCOVERY}
        content["options"] = _options(one.get(OPTIONS, {}))
        if host(name) not in around.headless | around.unresolved:
            content["passes through"] = policy == PASSES
            if policy not in (None, PASSES):
                content["lb_policy"] = policy
        # Mutual TLS of the mesh is what the embedded one leaves out, and tells.
        own = is_of_the_mesh(one.get("transport_socket", {}))
        content["speaks TLS"] = ("transport_socket" in one and not own) or any(
            "tls" in match.get("transport_socket", {}).get("name", "")
            for match in one.get("transport_socket_matches", ())
        )
        if content["speaks TLS"]:
            content["handshake"] = _handshake(one.get("transport_socket", {}).get("typed_config", {}))
        found[name] = content
    return found


def _handshake(context: Json) -> Json:
    """The name that is asked for, those that a certificate may be for, and whether one is shown."""
    common = context.get("common_tls_context", {})
    combined = common.get("combined_validation_context", {}).get("default_validation_context", {})
    validated = common.get("validation_context", combined)
    typed = (one["matcher"] for one in validated.get("match_typed_subject_alt_names", ()))
    names = sorted(one.get("exact", "") for one in (*typed, *validated.get("match_subject_alt_names", ())))
    shown = "tls_certificates" in common or "tls_certificate_sds_secret_configs" in common
    return {"sni": context.get("sni", ""), "names": names, "certificate": shown}


def _options(given: Json) -> list[Json]:
    """What HTTP is spoken and how: HTTP/1.1 where nothing is said."""
    several = []
    for one in given.values():
        kept = {key: value for key, value in spelled(one).items() if value not in ({}, HTTP_1)}
        several += [kept] if kept else []
    return several


HTTP_1: Json = {"http_protocol_options": {}}


def host(cluster: str) -> str:
    """The host of an outbound cluster."""
    return cluster.split("|", 3)[3]


def endpoints(resources: Iterable[Json], wanted: Iterable[str], around: Surroundings) -> dict[str, Any]:
    """The addresses behind each of the wanted clusters that has some, each with the priority that it has there."""
    found = {}
    names = frozenset(name for name in wanted if host(name) not in around.unresolved)
    for one in resources:
        several = [
            (each["endpoint"]["address"].get("socket_address", {}), group.get("priority", 0))
            for group in one.get("endpoints", ())
            for each in group.get("lb_endpoints", ())
        ]
        # No workload of the manifests is behind a gateway's Service: its pods are the proxies themselves.
        # An address that is there twice, as where a ServiceEntry has two of its own, has no other share than once.
        distinct = {(one.get("address"), one.get("port_value")): (one, level) for one, level in several}.values()
        places = sorted(
            f"{_place(socket, around)} {level}"
            for socket, level in distinct
            if socket.get("address") not in around.gateways
        )
        if places and one["cluster_name"] in names:
            found[one["cluster_name"]] = places
    return found


def _place(socket: Json, around: Surroundings) -> str:
    """Addresses of ServiceEntries are other hosts', and of one stand-in on the embedded mesh: their ports count."""
    address = socket.get("address")
    return f"{address if address in around.pods else OUTSIDE}:{socket.get('port_value')}"
