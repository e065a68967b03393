"""Waiting until every proxy of the run runs the configuration that was applied last."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine, Iterator, Mapping, Sequence, Set
from dataclasses import field
from typing import Any

from meshproof.border.timeouts import Timeouts
from meshproof.errors import TargetError
from meshproof.records import dataclass
from meshproof.targets.istio.istioctl import Istioctl
from meshproof.targets.istio.proxy import marker
from meshproof.targets.istio.proxy.sidecar import Sidecar

INTERVAL = 0.1
MOST_REFUSALS = 5
HEALTHY = "HEALTHY"


@dataclass(frozen=True, slots=True)
class Watched:
    """A proxy to wait for; `endpoints` are the addresses that each of its clusters (by name) must have, no others."""

    proxy: Sidecar
    gateway: bool = False
    endpoints: Mapping[str, Set[str]] = field(default_factory=dict)


async def converged(
    watched: Sequence[Watched], namespace: str, revision: int, timeouts: Timeouts, istioctl: Istioctl | None = None
) -> float:
    """Seconds until all of them had the revision; TargetError names those that have not, and what they lack."""
    began = time.monotonic()
    limit = timeouts.istio_converged
    lacking: dict[str, list[str]] = {one.proxy.pod: ["an answer"] for one in watched}

    async def wait(one: Watched) -> None:
        while True:
            dump = await one.proxy.config_dump()
            lacking[one.proxy.pod] = missing(dump, one, namespace, revision)
            if not lacking[one.proxy.pod]:
                return
            await asyncio.sleep(INTERVAL)

    try:
        async with asyncio.timeout(limit):
            await _gather([wait(one) for one in watched])
    except TimeoutError:
        lines = [f"{pod} lacks {', '.join(what)}" for pod, what in lacking.items() if what]
        lines += [await istioctl.proxy_status(timeouts)] if istioctl else []
        message = f"the proxies did not take the configuration within {limit:g} s"
        raise TargetError(message, "\n".join(lines)) from None
    return time.monotonic() - began


def missing(dump: Mapping[str, Any], watched: Watched, namespace: str, revision: int) -> list[str]:
    """What a proxy's dump still lacks of a revision; refusals are quoted."""
    lacks = []
    name = marker.cluster(namespace, revision)
    clusters = list(_each(dump, "dynamic_active_clusters"))
    if name not in {one.get("cluster", {}).get("name") for one in clusters}:
        lacks.append(f"cluster {name}")
    routes = [one.get("route_config", {}) for one in _each(dump, "dynamic_route_configs")]
    domain = marker.entered(namespace, revision) if watched.gateway else marker.host(namespace)
    if not any(_leads(route, domain, name) for route in routes):
        lacks.append(f"the route of {domain} to {name}")
    # A warming cluster or listener was received, but traffic does not use it yet.
    lacks += [f"cluster {_name(one)} (warming)" for one in _each(dump, "dynamic_warming_clusters")]
    listeners = list(_each(dump, "dynamic_listeners"))
    lacks += [f"listener {one.get('name', '')} (warming)" for one in listeners if "warming_state" in one]
    if lacks:
        refused = [one["error_state"].get("details", "") for one in (*listeners, *clusters) if one.get("error_state")]
        lacks += [f"what it refused: {details}" for details in refused[:MOST_REFUSALS]]
    return lacks + list(_endpoints(dump, watched.endpoints))


def _each(dump: Mapping[str, Any], part: str) -> Iterator[Any]:
    for config in dump.get("configs", ()):
        yield from config.get(part, ())


def _name(entry: Mapping[str, Any]) -> str:
    return str(entry.get("cluster", {}).get("name", ""))


def _leads(route_config: Mapping[str, Any], domain: str, cluster: str) -> bool:
    """Whether a virtual host for the domain routes to the cluster."""
    return any(
        route.get("route", {}).get("cluster") == cluster
        for host in route_config.get("virtual_hosts", ())
        if domain in {one.partition(":")[0] for one in host.get("domains", ())}
        for route in host.get("routes", ())
    )


def _endpoints(dump: Mapping[str, Any], wanted: Mapping[str, Set[str]]) -> Iterator[str]:
    """What clusters lack of the endpoints that traffic may go to; istiod sends pods that are not ready, too."""
    known: dict[str, set[str]] = {}
    unhealthy: dict[str, set[str]] = {}
    for one in _each(dump, "dynamic_endpoint_configs"):
        config = one.get("endpoint_config", {})
        name = config.get("cluster_name", "")
        known[name], unhealthy[name] = set(), set()
        for locality in config.get("endpoints", ()):
            for endpoint in locality.get("lb_endpoints", ()):
                address = endpoint.get("endpoint", {}).get("address", {}).get("socket_address", {}).get("address", "")
                (known if endpoint.get("health_status", HEALTHY) == HEALTHY else unhealthy)[name].add(address)
    for cluster, addresses in wanted.items():
        seen = known.get(cluster, set())
        if seen != addresses:
            yield f"the endpoints of {cluster} (has {', '.join(sorted(seen)) or 'none'}; wanted {len(addresses)})"
        # A subset's endpoints are a resource of its own, which may be updated later.
        port, _, host = cluster.split("|")[1:] if cluster.count("|") == 3 else ("", "", cluster)
        for name in sorted(unhealthy):
            if name != cluster and name.startswith(f"outbound|{port}|") and name.endswith(f"|{host}"):
                yield from (f"the health of {one} in {name}" for one in sorted(unhealthy[name] & addresses))


async def _gather(waits: Sequence[Coroutine[Any, Any, None]]) -> None:
    """Return when all have; when one fails the others are cancelled, and its error is raised."""
    try:
        async with asyncio.TaskGroup() as group:
            for one in waits:
                group.create_task(one)
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from None
