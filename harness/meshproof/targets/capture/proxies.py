"""The configuration of proxies, from their admin interface, by a forwarded port."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from meshproof.border.facts.captured import Dump
from meshproof.errors import TargetError
from meshproof.targets.capture.cleared import LeftOut
from meshproof.targets.capture.workloads import has_proxy, is_gateway, is_ready
from meshproof.targets.istio.proxy.forwarded import ADMIN_PORT, ForwardedSidecar
from meshproof.targets.kube.api.connection import Cluster
from meshproof.targets.kube.api.forward import Forward

Json = dict[str, Any]
# A bundle holds so many files, the index, the objects and the facts among them.
MOST = 12
# How a dump calls its parts, and what stands in each: https://www.envoyproxy.io/docs/envoy/latest/api-v3/admin/v3/config_dump.proto
LISTENERS, ROUTES, CLUSTERS = "listeners", "routes", "clusters"
# Ports of the agent itself, and what the bootstrap has.
GATEWAY_CLASSES = ("gateway.networking.k8s.io/gateway-name", "istio", "app")


def chosen(pods: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Pods whose proxies are asked: of each gateway one, then of each namespace one sidecar; 12 at most."""
    groups: dict[tuple[bool, str, str], Mapping[str, Any]] = {}
    for one in sorted(pods, key=lambda pod: (pod["metadata"]["namespace"], pod["metadata"]["name"])):
        if has_proxy(one) and is_ready(one):
            gateway, place = is_gateway(one), str(one["metadata"]["namespace"])
            labels = one["metadata"].get("labels") or {}
            which = next((labels[name] for name in GATEWAY_CLASSES if name in labels), "") if gateway else ""
            groups.setdefault((not gateway, place, which), one)
    return [groups[key] for key in sorted(groups)][:MOST]


async def dump(cluster: Cluster, pod: Mapping[str, Any], left_out: LeftOut) -> Dump:
    """What the proxy of a pod runs; raises TargetError where it cannot be asked."""
    namespace, name = str(pod["metadata"]["namespace"]), str(pod["metadata"]["name"])
    forward = Forward(cluster.api, namespace, name, ADMIN_PORT, cluster.timeouts)
    try:
        await forward.start()
        proxy = ForwardedSidecar(cluster.kubectl.within(namespace), name, cluster.timeouts, forward)
        page = await proxy.config_dump()
    finally:
        await forward.close()
    labels = pod["metadata"].get("labels") or {}
    try:
        found = {what: left_out.redacted(several) for what, several in resources(page).items()}
    except (AttributeError, TypeError, KeyError):
        raise TargetError(f"the proxy of {name} dumps its configuration in a form that is not known") from None
    return Dump(namespace, name, dict(labels), is_gateway(pod), found)


def resources(page: Mapping[str, Any]) -> dict[str, list[Json]]:
    """Of a configuration dump the listeners, routes and clusters that are in force, each by its name."""
    found: dict[str, list[Json]] = {LISTENERS: [], ROUTES: [], CLUSTERS: []}
    for part in page.get("configs") or ():
        for one in part.get("dynamic_listeners") or ():
            found[LISTENERS] += _inner(one.get("active_state"), "listener")
        for one in part.get("dynamic_route_configs") or ():
            found[ROUTES] += _inner(one, "route_config")
        for one in part.get("dynamic_active_clusters") or ():
            found[CLUSTERS] += _inner(one, "cluster")
    return {what: sorted(several, key=lambda one: str(one.get("name", ""))) for what, several in found.items()}


def _inner(holder: Mapping[str, Any] | None, name: str) -> Iterator[Json]:
    found = (holder or {}).get(name)
    if isinstance(found, dict):
        yield found
