"""How a gateway is entered from outside of the cluster, where a port is not simply forwarded to its pod."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from meshproof.errors import UsageError

FORWARD, NODE_PORT, LOAD_BALANCER = "forward", "nodeport", "loadbalancer"
ENTRIES = (FORWARD, NODE_PORT, LOAD_BALANCER)

Address = tuple[str, int]
Json = Mapping[str, Any]


def entry(how: str, pod: Json, port: int, services: Sequence[Json]) -> Address:
    """Where a client outside connects to for a gateway's port; `services` are those that select the gateway's pod.

    A node port is used on the node that the pod runs on, which serves it whatever externalTrafficPolicy says.
    Raises UsageError where no Service offers it, with what each of them is.
    """
    reasons = []
    for service in sorted(services, key=lambda one: str(one["metadata"]["name"])):
        open_there = [one for one in service["spec"].get("ports") or () if one["port"] == port]
        found = _node_port(pod, open_there) if how == NODE_PORT else _load_balancer(service, open_there)
        if found is not None:
            return found
        reasons.append(_account(service, port, bool(open_there)))
    name = f"{pod['metadata'].get('namespace', '')}/{pod['metadata']['name']}"
    words = "; ".join(reasons) or "no Service selects it"
    raise UsageError(f"--entry {how}: gateway pod {name} cannot be entered so at port {port}: {words}")


def _node_port(pod: Json, ports: Sequence[Json]) -> Address | None:
    node = str((pod.get("status") or {}).get("hostIP") or "")
    return next(((node, int(one["nodePort"])) for one in ports if node and one.get("nodePort")), None)


def _load_balancer(service: Json, ports: Sequence[Json]) -> Address | None:
    given = next(_addresses(service), "")
    return (given, int(ports[0]["port"])) if given and ports else None


def _addresses(service: Json) -> Iterator[str]:
    """What the cluster's load balancer gave the Service, by address or by name."""
    for one in ((service.get("status") or {}).get("loadBalancer") or {}).get("ingress") or ():
        if given := one.get("ip") or one.get("hostname"):
            yield str(given)


def _account(service: Json, port: int, opens: bool) -> str:
    name, kind = service["metadata"]["name"], service["spec"].get("type", "ClusterIP")
    if not opens:
        return f"Service {name} has no port {port}"
    waits = " without an address yet" if kind == "LoadBalancer" and not next(_addresses(service), "") else ""
    return f"Service {name} is of type {kind}{waits}"
