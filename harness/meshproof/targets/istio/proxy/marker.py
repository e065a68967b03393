"""A marker in the configuration: a proxy that runs the marker of a revision runs all of that revision.

istiod watches each kind in order, and pushes from what it has seen. So a marker that is applied last of
its kind is seen last, and a proxy that runs it has been sent all that was applied before it. Envoy's config
dump shows what it has accepted, not what it was sent. No warm-up request is needed.

A gateway is marked on a port of its own, which no Service leads to: istiod opens a server's port as it is
where no Service of the gateway has it (so do 1.9.5, in buildGatewayListeners, and all since, in resolvePorts),
and nothing that serves already shares a listener with the marker.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

API = "networking.istio.io/v1beta1"
NAME = "meshproof-marker"
PORT = 24999

Json = dict[str, Any]


def host(namespace: str) -> str:
    """The host of a run's markers; no DNS server knows it."""
    return f"marker.{namespace}.meshproof.internal"


def mark(revision: int) -> str:
    """The name of a revision in the proxies."""
    return f"r{revision}"


def cluster(namespace: str, revision: int) -> str:
    """The cluster that a proxy has once it has the revision."""
    return f"outbound|{PORT}|{mark(revision)}|{host(namespace)}"


def entered(namespace: str, revision: int) -> str:
    """The domain that a gateway serves once it has the revision."""
    return f"{mark(revision)}.{host(namespace)}"


def manifests(
    namespace: str, revision: int, selectors: Sequence[Mapping[str, str]] = (), home: str = ""
) -> tuple[Json, ...]:
    """What is applied after everything else, in this order; `selectors` are those of the run's Gateways.

    It is exported to no other namespace but `home`, that of the gateways' pods.
    """
    different = list(dict.fromkeys(tuple(sorted(one.items())) for one in selectors))
    seen = [".", home] if different else ["."]
    gateways = [_gateway(namespace, revision, number, dict(one)) for number, one in enumerate(different)]
    services = [_virtual_service(namespace, NAME, host(namespace), revision, ["mesh"], ["."])]
    if gateways:
        names = [f"{namespace}/{one['metadata']['name']}" for one in gateways]
        domain = entered(namespace, revision)
        services.append(_virtual_service(namespace, f"{NAME}-entry", domain, revision, names, seen))
    return (
        _object(namespace, "ServiceEntry", NAME, _service_entry(namespace, seen)),
        _object(namespace, "DestinationRule", NAME, _destination_rule(namespace, revision, seen)),
        *gateways,
        *services,
    )


def _object(namespace: str, kind: str, name: str, spec: Json) -> Json:
    return {"apiVersion": API, "kind": kind, "metadata": {"name": name, "namespace": namespace}, "spec": spec}


def _service_entry(namespace: str, export: Sequence[str]) -> Json:
    return {
        "hosts": [host(namespace)],
        "exportTo": list(export),
        "location": "MESH_EXTERNAL",
        "resolution": "STATIC",
        "ports": [{"number": PORT, "name": "http-marker", "protocol": "HTTP"}],
        "endpoints": [{"address": "127.0.0.1"}],
    }


def _destination_rule(namespace: str, revision: int, export: Sequence[str]) -> Json:
    subset = {"name": mark(revision), "labels": {"revision": mark(revision)}}
    return {"host": host(namespace), "exportTo": list(export), "subsets": [subset]}


def _gateway(namespace: str, revision: int, number: int, selector: Json) -> Json:
    port = {"number": PORT, "name": f"http-marker-{number}", "protocol": "HTTP"}
    server = {"port": port, "hosts": [f"{namespace}/{entered(namespace, revision)}"]}
    return _object(namespace, "Gateway", f"{NAME}-{number}", {"selector": selector, "servers": [server]})


def _virtual_service(
    namespace: str, name: str, domain: str, revision: int, gateways: Sequence[str], export: Sequence[str]
) -> Json:
    destination = {"host": host(namespace), "subset": mark(revision), "port": {"number": PORT}}
    return _object(
        namespace,
        "VirtualService",
        name,
        {
            "hosts": [domain],
            "gateways": list(gateways),
            "exportTo": list(export),
            "http": [{"name": mark(revision), "route": [{"destination": destination}]}],
        },
    )
