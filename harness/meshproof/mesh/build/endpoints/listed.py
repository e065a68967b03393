"""What stands behind a Service without a selector: the addresses of its Endpoints and EndpointSlices.

Kubernetes mirrors Endpoints to EndpointSlices (https://kubernetes.io/docs/concepts/services-networking/service/), which
are what istiod reads (pilot/pkg/serviceregistry/kube/controller/endpointslice.go): by their ports' names, as ready ones
alone, without labels, and none whose addresses are names.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from meshproof.errors import ManifestError
from meshproof.manifest.resource import Resource
from meshproof.manifest.value import Value
from meshproof.mesh.build.findings import Findings
from meshproof.mesh.build.kubernetes import LARGEST_PORT, labels
from meshproof.mesh.build.unmodelled.touches import CONTROLLERS, MANAGED_BY
from meshproof.mesh.model.kubernetes import CLUSTER_DOMAIN, ContainerPort, Service, Workload
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.topic import Topic
from meshproof.records import dataclass

ENDPOINTS, SLICE = ("v1", "Endpoints"), ("discovery.k8s.io/v1", "EndpointSlice")
KINDS = frozenset({"Endpoints", "EndpointSlice"})
SERVICE_NAME = "kubernetes.io/service-name"
SKIP_MIRROR = "endpointslice.kubernetes.io/skip-mirror"
MOST_STAND_INS = 8


@dataclass(frozen=True, slots=True)
class Listed:
    """Addresses that listen on the same ports, of one object."""

    resource: Resource
    host: str
    count: int
    ports: tuple[ContainerPort, ...]


def joined(mesh: Mesh, foreign: Sequence[Resource], findings: Findings) -> tuple[Mesh, list[Resource]]:
    """The mesh with what such objects list, and the others, of which nothing is known: what they touch is told."""
    ours = {one.host: one for one in mesh.services if not one.selector and not one.hostname}
    written = {_host(one) for one in foreign if (one.api_version, one.kind) == ENDPOINTS}
    rest: list[Resource] = []
    found: dict[str, list[Listed]] = {}
    for one in foreign:
        kind, host = (one.api_version, one.kind), _host(one) if one.kind in KINDS else ""
        if kind not in (ENDPOINTS, SLICE) or host not in ours:
            rest.append(one)
            continue
        if kind == SLICE and host in written and _is_derived(one):
            # The cluster's own mirror of what is read already.
            continue
        listed = _listed(one, host)
        if listed is None:
            rest.append(one)
        else:
            found.setdefault(host, []).extend(listed)
    if not found:
        return mesh, rest
    unread = {_host(one) for one in rest if one.kind in KINDS}
    return _with(mesh, found, found.keys() - unread, findings), rest


def _with(mesh: Mesh, found: dict[str, list[Listed]], whole: set[str], findings: Findings) -> Mesh:
    """Services with stand-ins for what is listed; of those that are `whole` it is known who answers."""
    services = {host: one for host in found if (one := mesh.service(host))}
    taken = {one.key for one in mesh.workloads}
    made = [one for host, several in found.items() for one in _stand_ins(services[host], several, taken)]
    keys = {one.host: replace(one, endpoints=(*one.endpoints, _key(one))) for one in services.values()}
    told = {f"Service {services[host].namespace}/{services[host].name}" for host in whole}
    findings.unmodelled_parts[:] = [
        one for one in findings.unmodelled_parts if one.topic != Topic.NO_SELECTOR or one.subject not in told
    ]
    for host in found:
        text = f"what the Endpoints of {services[host].called} list is stood in for, as Deployments are"
        findings.notice(
            found[host][0].resource.location if found[host] else services[host].location, text, Topic.RUN_ALONE
        )
    several = tuple(keys.get(one.host, one) if not one.hostname else one for one in mesh.services)
    return replace(mesh, services=several, workloads=(*mesh.workloads, *made))


def _stand_ins(service: Service, several: Sequence[Listed], taken: set[str]) -> Iterator[Workload]:
    for number, one in enumerate(several):
        name = f"{service.name}-endpoints" + (f"-{number + 1}" if len(several) > 1 else "")
        while f"{service.namespace}/{name}" in taken:
            name = f"{name}-endpoint"
        taken.add(f"{service.namespace}/{name}")
        replicas = min(one.count, MOST_STAND_INS)
        yield Workload(
            name,
            service.namespace,
            replicas,
            {},
            "",
            one.ports,
            one.resource.location,
            kind="Endpoints",
            endpoint_of=_key(service),
        )


def _key(service: Service) -> str:
    return f"{service.namespace}/{service.name} endpoints"


def _host(resource: Resource) -> str:
    name = resource.name
    if resource.kind == "EndpointSlice":
        metadata = resource.body.get("metadata")
        try:
            name = labels(metadata, "labels").get(SERVICE_NAME, "")
        except ManifestError:
            name = ""
    return f"{name.lower()}.{resource.namespace}.{CLUSTER_DOMAIN}"


def _is_derived(resource: Resource) -> bool:
    return labels(resource.body.get("metadata"), "labels").get(MANAGED_BY, "").startswith(CONTROLLERS)


def _listed(resource: Resource, host: str) -> list[Listed] | None:
    """What an object lists; None where that cannot be told, or where pods are among it."""
    try:
        read = _subsets if resource.kind == "Endpoints" else _slice
        return [Listed(resource, host, count, ports) for count, ports in read(resource.body) if count]
    except (ManifestError, _NotKnownError):
        return None


class _NotKnownError(Exception):
    """Something stands there that is not modelled."""


def _subsets(body: Value) -> Iterator[tuple[int, tuple[ContainerPort, ...]]]:
    if labels(body.get("metadata"), "labels").get(SKIP_MIRROR) == "true":
        return
    subsets = body.list("subsets")
    if not subsets:
        # Somebody else fills it in.
        raise _NotKnownError
    for subset in subsets:
        addresses = subset.list("addresses")
        _check(addresses)
        for one in addresses:
            one.need("ip").text()
        yield len(addresses), tuple(_ports(subset.list("ports")))


def _slice(body: Value) -> Iterator[tuple[int, tuple[ContainerPort, ...]]]:
    kind = body.need("addressType").text()
    ready = [one for one in body.list("endpoints") if _is_ready(one)]
    _check(ready)
    if kind != "FQDN":
        yield sum(len(one.list("addresses")) for one in ready), tuple(_ports(body.list("ports")))


def _is_ready(endpoint: Value) -> bool:
    conditions = endpoint.get("conditions")
    said = conditions.get("ready") if conditions else None
    return said is None or said.data is None or said.flag()


def _check(several: Iterable[Value]) -> None:
    if any(one.get("targetRef") or one.get("zone") or one.get("hints") for one in several):
        raise _NotKnownError


def _ports(several: Iterable[Value]) -> Iterator[ContainerPort]:
    for one in several:
        name, protocol = one.get("name"), one.get("protocol")
        if protocol is None or protocol.text() == "TCP":
            yield ContainerPort(one.need("port").whole(1, LARGEST_PORT), name.text() if name else "")
