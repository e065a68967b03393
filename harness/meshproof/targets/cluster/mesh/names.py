"""The names of a mesh as a client in a cluster finds them, and the endpoints that its proxy must know."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from meshproof.mesh.model.kubernetes import CLUSTER_DOMAIN, Service
from meshproof.mesh.model.mesh import Mesh

NOWHERE = "240.0.0.1"
"""The address for a host that has none: the sidecar takes the connection, and routes by the Host header."""

Json = Mapping[str, Any]


def service_of(mesh: Mesh, host: str, namespace: str) -> Service | None:
    """The Service that a name stands for where a client in `namespace` uses it."""
    name = host.lower().removesuffix(".")
    for service in mesh.services:
        qualified = f"{service.name}.{service.namespace}"
        names = {qualified, f"{qualified}.svc", f"{qualified}.{CLUSTER_DOMAIN}"}
        names |= {service.name} if service.namespace == namespace else set()
        if name in names:
            return service
    return None


def address(service: Json | None, pods: Sequence[Json]) -> str:
    """The address of a Service: its ClusterIP, or one of its pods' where it has none."""
    spec = (service or {}).get("spec") or {}
    given = str(spec.get("clusterIP") or "")
    if given and given != "None":
        return given
    selector = spec.get("selector") or {}
    chosen = sorted(ip for pod in pods if (ip := _address(pod)) and selector and _selected(selector, pod))
    return chosen[0] if chosen else NOWHERE


def endpoints(services: Iterable[Service], pods: Sequence[Json]) -> dict[str, frozenset[str]]:
    """The addresses behind each Service, by the name of the cluster that istiod makes of each of its ports."""
    found: dict[str, frozenset[str]] = {}
    for service in services:
        here = [pod for pod in pods if pod["metadata"].get("namespace") == service.namespace]
        behind = frozenset(ip for pod in here if (ip := _address(pod)) and _selected(service.selector, pod))
        for port in service.ports:
            if service.selector and port.protocol != "udp":
                found[f"outbound|{port.number}||{service.host}"] = behind
    return found


def by_address(pods: Sequence[Json]) -> dict[str, str]:
    """The names of pods by their addresses."""
    return {ip: str(pod["metadata"]["name"]) for pod in pods if (ip := _address(pod))}


def _address(pod: Json) -> str:
    return str((pod.get("status") or {}).get("podIP") or "")


def _selected(selector: Mapping[str, str], pod: Json) -> bool:
    return bool(selector) and selector.items() <= (pod["metadata"].get("labels") or {}).items()
