"""What stands in a run's namespace, written down for whoever looks into a failure."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from pathlib import Path

from meshproof.errors import MeshproofError
from meshproof.targets.cluster.place import Place
from meshproof.targets.istio.istioctl import NAMESPACE
from meshproof.targets.istio.sidecar import Sidecar
from meshproof.targets.kube.objects import Json

Told = Callable[[], Awaitable[str]]
LOG_LINES = 500
KINDS = "pods,deployments,services,endpoints,virtualservices,destinationrules,gateways,serviceentries"


async def save(place: Place, proxies: Mapping[str, Sidecar], folder: Path) -> None:
    """Write configuration dumps, statistics, events, logs and the objects; what cannot be had says why in its file."""
    await asyncio.to_thread(folder.mkdir, mode=0o700, parents=True, exist_ok=True)
    kubectl = place.cluster.kubectl.within(place.namespace)
    limit = place.timeouts.kube_command

    def ask(*arguments: str) -> Told:
        async def told() -> str:
            said = await kubectl.run(*arguments, timeout=limit, what=f"keeping {' '.join(arguments)}")
            return said.decode(errors="replace")

        return told

    kept: dict[str, Told] = {}
    for name, proxy in proxies.items():
        kept |= {f"{name}.config_dump.json": _dump(proxy), f"{name}.stats.json": _stats(proxy)}
    kept["events.txt"] = ask("get", "events", "--sort-by=.lastTimestamp")
    kept["objects.yaml"] = ask("get", KINDS, "-o", "yaml")
    kept["pods.txt"] = ask("describe", "pods")
    for pod in await _pods(place):
        # Not `--all-containers`: of a pod that waits for an image it would tell of that alone.
        for container in _begun(pod):
            name = str(pod["metadata"]["name"])
            kept[f"{name}.{container}.log"] = ask("logs", name, "-c", container, f"--tail={LOG_LINES}")
    kept["istiod.log"] = ask("logs", "-n", NAMESPACE, "-l", "app=istiod", f"--tail={LOG_LINES}")
    if place.istioctl is not None:
        istioctl = place.istioctl

        async def status() -> str:
            return await istioctl.proxy_status(place.timeouts)

        kept["proxy-status.txt"] = status
    await asyncio.gather(*(_write(folder / name, told) for name, told in kept.items()))


async def _pods(place: Place) -> Sequence[Json]:
    """All that there are, whether this run has come to reach them or not."""
    try:
        return await place.cluster.objects.list("v1", "Pod", place.namespace)
    except MeshproofError:
        # Why they cannot be listed stands in the file of each thing that is asked for beside them.
        return ()


def _begun(pod: Json) -> Iterator[str]:
    """The containers that have run, and so may have said something."""
    status = pod.get("status") or {}
    for one in [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]:
        if "waiting" not in (one.get("state") or {}) or one.get("restartCount"):
            yield str(one["name"])


def _dump(proxy: Sidecar) -> Told:
    async def told() -> str:
        return json.dumps(await proxy.config_dump(), indent=1)

    return told


def _stats(proxy: Sidecar) -> Told:
    async def told() -> str:
        return json.dumps({**await proxy.counters(), **await proxy.gauges()}, indent=1, sort_keys=True)

    return told


async def _write(path: Path, told: Told) -> None:
    try:
        text = await told()
    except MeshproofError as error:
        text = f"cannot be had: {error}\n"
    await asyncio.to_thread(path.write_text, text)
