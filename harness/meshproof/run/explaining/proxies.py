"""The configuration of the proxy that a request passes first, as it would be pushed to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from meshproof.border.request import Request
from meshproof.border.source import Source
from meshproof.envoy.hosts import is_wildcard, matches, specificity
from meshproof.envoy.names import WILDCARD_ADDRESS, service_port
from meshproof.envoy.node import Address, Kind, Proxy
from meshproof.envoy.translate import translate
from meshproof.mesh.build.assemble import Built
from meshproof.mesh.coverage.reachable import reachable
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.predict.called import asked_service
from meshproof.targets.embedded.listening import ports

Json = dict[str, Any]


def resources(built: Built, request: Request, source: Source, *, whole: bool = False) -> Json:
    """The resources that a request meets, or all of its proxy (`whole`), with the field names of Envoy's reference.

    Addresses of endpoints are names of pods: there are none here. Raises UsageError for what is not translated.
    """
    mesh = built.mesh if whole else reachable(built.mesh, [request], source.namespace)
    document: Json = translate(mesh, _proxy(mesh, request, source), addresses(mesh)).document()
    return document if whole else _alone(document, mesh, request, source.namespace)


def _proxy(mesh: Mesh, request: Request, source: Source) -> Proxy:
    gateway = mesh.gateway(request.gateway) if request.gateway else None
    if gateway is None:
        return Proxy(namespace=source.namespace, labels=source.labels)
    namespace, labels = mesh.pods_of(gateway)
    return Proxy(Kind.GATEWAY, namespace, labels)


def addresses(mesh: Mesh) -> Mapping[str, tuple[Address, ...]]:
    return {
        one.key: tuple(
            Address(pod, {number: (pod, number) for number in ports(mesh, one)})
            for pod in (f"{one.name}-{at}" for at in range(one.replicas))
        )
        for one in mesh.workloads
    }


def _alone(document: Json, mesh: Mesh, request: Request, namespace: str) -> Json:
    """The listeners of its port, the virtual host of its Host header, and the clusters that this one leads to."""
    service = None if request.gateway else asked_service(mesh, request, namespace)
    own = {WILDCARD_ADDRESS, request.domain, *([service.host] if service else [])}
    listeners = [
        one
        for one in document["listeners"]
        if service_port(one["name"]) == request.port and one["name"].rpartition("_")[0] in own
    ]
    named = set(_texts(listeners))
    routes = []
    for table in document["routes"]:
        if table["name"] in named:
            hosts = table.get("virtual_hosts", [])
            routes.append({**table, "virtual_hosts": _fitting(hosts, request.domain)})
    led_to = {*named, *_texts(routes)}
    return {
        "listeners": listeners,
        "routes": routes,
        "clusters": [one for one in document["clusters"] if one["name"] in led_to],
        "endpoints": [one for one in document["endpoints"] if one["cluster_name"] in led_to],
        "secrets": [one for one in document["secrets"] if one["name"] in named],
        "dangling": [name for name in document["dangling"] if name in led_to],
    }


def _fitting(hosts: Sequence[Json], domain: str) -> list[Json]:
    """The virtual host that Envoy finds: by the domain itself, else by the longest pattern."""
    found = [
        (specificity(one), at)
        for at, host in enumerate(hosts)
        for one in host["domains"]
        if one == domain or (is_wildcard(one) and matches(one, domain))
    ]
    return [hosts[max(found)[1]]] if found else []


def _texts(value: Any) -> Iterator[str]:
    """Every text within a document."""
    if isinstance(value, dict):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)
    elif isinstance(value, str):
        yield value
