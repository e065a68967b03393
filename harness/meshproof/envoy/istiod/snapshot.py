"""istiod's configuration of a proxy as the embedded mesh's snapshot.

Routes, policies and balancing stay as they are. Listeners come to stand on local ports, pods' addresses give way to
where their replicas listen, and what only Istio's own build of Envoy has is left out. What stands behind a ServiceEntry
or a headless Service is what this project puts there, since no DNS and no address of its own leads to it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from google.protobuf import json_format

from meshproof.envoy import resource_types as types
from meshproof.envoy.clusters.endpoint import Addresses, load_assignments
from meshproof.envoy.istiod.certificates import with_stand_ins
from meshproof.envoy.istiod.extensions import known
from meshproof.envoy.istiod.listeners import Placed, listeners
from meshproof.envoy.istiod.objects import CLIENT, Cluster, cluster
from meshproof.envoy.listeners.gateway import gateway
from meshproof.envoy.node import Kind, Proxy
from meshproof.envoy.resource import Reference, Resource, SnapshotError
from meshproof.envoy.snapshot import Snapshot, snapshot
from meshproof.envoy.visibility import with_clusters
from meshproof.manifest.resource import Resource as Applied
from meshproof.mesh.model.kubernetes import Workload
from meshproof.mesh.model.mesh import Mesh
from meshproof.records import dataclass

Json = dict[str, Any]

# Whose replica an address is, and its number.
Replicas = Mapping[str, tuple[Workload, int]]

OUTBOUND = "outbound"
# What istiod calls the certificate that it gives every proxy.
OWN_CERTIFICATE = "default"
# Clusters of a sidecar for what it receives, and for istiod itself.
NOT_OURS = ("inbound", "InboundPassthrough", "xds-grpc", "sds-grpc", "agent", "prometheus_stats", "zipkin")
EDS: Json = {"ads": {}, "resource_api_version": "V3", "initial_fetch_timeout": "0s"}
# How a cluster finds its endpoints by itself, where no DNS and no original destination is.
FINDING = frozenset(
    {
        "cluster_type",
        "dns_failure_refresh_rate",
        "dns_jitter",
        "dns_lookup_family",
        "dns_refresh_rate",
        "load_assignment",
        "original_dst_lb_config",
        "respect_dns_ttl",
        "type",
        "typed_dns_resolver_config",
        "use_tcp_for_dns_lookups",
    }
)


@dataclass(frozen=True, slots=True)
class Given:
    """What istiod is given, and where its pods really listen: `addresses` by workload, as translate() takes them.

    `places` are the addresses of the proxies' own pods.
    """

    mesh: Mesh
    cluster: Cluster
    addresses: Addresses
    proxies: Mapping[str, Proxy]
    places: Mapping[str, str]


def asked(resources: Iterable[Applied], mesh: Mesh, proxies: Mapping[str, Proxy], addresses: Addresses) -> Given:
    """What istiod has to be given for these proxies."""
    gateways = {role: (one.namespace, one.labels) for role, one in proxies.items() if one.kind is Kind.GATEWAY}
    found = cluster(resources, mesh, list(gateways.values()))
    places = dict(zip(gateways, found.gateways, strict=True))
    return Given(mesh, found, addresses, proxies, {role: places.get(role, CLIENT) for role in proxies})


def converted(answer: Json, proxy: Proxy, given: Given) -> Snapshot:
    """The snapshot of a proxy from istiod's answer for it; SnapshotError for what Envoy's API does not have."""
    mine = {one.name: one for one in _assignments(given, proxy)}
    theirs = {one["cluster_name"]: _placed(one, given) for one in answer["endpoints"]}
    clusters, endpoints = [], []
    for one in answer["clusters"]:
        name = one["name"]
        if name.startswith(NOT_OURS):
            continue
        found = _cluster(one)
        if name.startswith(OUTBOUND) and one.get("type") != "EDS":
            found = {key: value for key, value in found.items() if key not in FINDING}
            found |= {"type": "EDS", "eds_cluster_config": {"eds_config": EDS, "service_name": name}}
            if found.get("lb_policy") == "CLUSTER_PROVIDED":
                del found["lb_policy"]
            if name in mine:
                endpoints.append(mine[name])
            else:
                endpoints.append(_resource(types.ENDPOINT, {"cluster_name": name}))
        elif found.get("type") == "EDS":
            endpoints.append(_resource(types.ENDPOINT, theirs.get(name, {"cluster_name": name})))
        assigned = [(types.ENDPOINT, name)] if found.get("type") == "EDS" else []
        clusters.append(_resource(types.CLUSTER, found, assigned))
    tables = [_resource(types.ROUTE, known(one), _routed(one)) for one in answer["routes"]]
    placed = Placed(given.mesh, proxy, given.cluster)
    made = [_resource(types.LISTENER, one, _listening(one)) for one in listeners(answer["listeners"], placed)]
    secrets = gateway(given.mesh, proxy)[2] if proxy.kind is Kind.GATEWAY else []
    resources = {
        types.CLUSTER: clusters,
        types.ENDPOINT: endpoints,
        types.LISTENER: made,
        types.ROUTE: tables,
        types.SECRET: secrets,
    }
    there = {one.name for one in clusters}
    aims = (aim for one in (*tables, *made) for url, aim in one.references if url == types.CLUSTER)
    result = snapshot(resources, {name for name in aims if name not in there})
    result.check()
    return result


def _assignments(given: Given, proxy: Proxy) -> Iterator[Resource]:
    for service in with_clusters(given.mesh, proxy).values():
        if service.hostname or service.headless or service.endpoints:
            yield from load_assignments(given.mesh, service, proxy, given.addresses)


def _cluster(cluster: Json) -> Json:
    """A cluster without the filters of Istio's own Envoy, with the statistics that checks read by their usual names."""
    found: Json = known({key: value for key, value in cluster.items() if key not in ("filters", "alt_stat_name")})
    if is_of_the_mesh(found.get("transport_socket", {})):
        # Pods have no sidecar here: what these speak with each other is left to conflicts of mesh/build/mutual_tls.
        del found["transport_socket"]
    elif "transport_socket" in found:
        found["transport_socket"] = with_stand_ins(found["transport_socket"])
    breakers = found.get("circuit_breakers", {})
    if "thresholds" in breakers:
        limits = [{**one, "track_remaining": True} for one in breakers["thresholds"]]
        found["circuit_breakers"] = {**breakers, "thresholds": limits}
    return found


def is_of_the_mesh(socket: Json) -> bool:
    """Whether a transport socket shows the certificate that istiod gives every proxy."""
    common = socket.get("typed_config", {}).get("common_tls_context", {})
    return any(one.get("name") == OWN_CERTIFICATE for one in common.get("tls_certificate_sds_secret_configs", ()))


def _placed(assignment: Json, given: Given) -> Json:
    """An assignment with the places where the replicas listen; what is no replica's is left out."""
    replicas = {**given.cluster.pods, **_outside(given.mesh, assignment["cluster_name"].rpartition("|")[2])}
    groups = []
    for group in assignment.get("endpoints", ()):
        placed = [found for one in group.get("lb_endpoints", ()) if (found := _endpoint(one, given, replicas))]
        if placed:
            groups.append({**group, "lb_endpoints": placed})
    return {**assignment, "endpoints": groups}


def _outside(mesh: Mesh, host: str) -> Replicas:
    """What stands behind a host without being pods, by the addresses that manifests say."""
    return {
        address: (one, number % max(one.replicas, 1))
        for service in mesh.services_of(host)
        for one in mesh.behind(service)
        for number, address in enumerate(one.addresses)
    }


def _endpoint(endpoint: Json, given: Given, replicas: Replicas) -> Json | None:
    socket = endpoint["endpoint"]["address"].get("socket_address", {})
    if (found := replicas.get(socket.get("address", ""))) is None:
        return None
    workload, number = found
    several = given.addresses.get(workload.key, ())
    if number >= len(several) or socket.get("port_value") not in several[number].ports:
        return None
    host, local = several[number].ports[socket["port_value"]]
    address = {"socket_address": {"address": host, "port_value": local}}
    return {**endpoint, "endpoint": {"hostname": several[number].pod, "address": address}}


def _resource(url: str, document: Json, references: Sequence[Reference] = ()) -> Resource:
    name = str(document[types.KEYS[url]])
    try:
        message = json_format.ParseDict(document, types.MESSAGES[url]())
    except json_format.ParseError as error:
        raise SnapshotError(f"istiod's {types.SINGULARS[url]} {name}: not what Envoy understands", str(error)) from None
    return Resource(url, name, message.SerializeToString(deterministic=True), tuple(dict.fromkeys(references)))


def _routed(table: Json) -> list[Reference]:
    """The clusters that a route configuration leads to."""
    return [(types.CLUSTER, name) for name in _values(table.get("virtual_hosts", ()), "cluster", "weighted_clusters")]


def _listening(listener: Json) -> list[Reference]:
    chains = listener["filter_chains"]
    tables = [(types.ROUTE, name) for name in _values(chains, "route_config_name")]
    return [*tables, *((types.CLUSTER, name) for name in _values(chains, "cluster", "weighted_clusters"))]


def _values(value: Any, key: str, weighted: str = "") -> Iterator[str]:
    """The texts of a field wherever it stands, and the names in weighted ones."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            if name == key and isinstance(inner, str):
                yield inner
            elif weighted and name == weighted:
                yield from (one["name"] for one in inner["clusters"])
            else:
                yield from _values(inner, key, weighted)
    elif isinstance(value, Iterable) and not isinstance(value, str):
        for inner in value:
            yield from _values(inner, key, weighted)
