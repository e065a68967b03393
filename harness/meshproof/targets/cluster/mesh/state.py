"""The state of a run's namespace, written to files so that a failure can be examined."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from pathlib import Path

from meshproof.errors import MeshproofError
from meshproof.redaction.credentials import redact, redact_all
from meshproof.targets.cluster.mesh.shared import SharedNamespace
from meshproof.targets.istio.istioctl import NAMESPACE
from meshproof.targets.istio.proxy.sidecar import Sidecar
from meshproof.targets.kube.objects import Json

Fetch = Callable[[], Awaitable[str]]
LOG_LINES = 500
KINDS = "pods,deployments,services,endpoints,virtualservices,destinationrules,gateways,serviceentries"


async def save(shared: SharedNamespace, proxies: Mapping[str, Sidecar], folder: Path) -> None:
    """Write configuration dumps, statistics, events, logs and the objects; a file says why its content is missing."""
    await asyncio.to_thread(folder.mkdir, mode=0o700, parents=True, exist_ok=True)
    kubectl = shared.cluster.kubectl.within(shared.namespace)
    limit = shared.timeouts.kube_command

    def ask(*arguments: str) -> Fetch:
        async def fetch() -> str:
            said = await kubectl.run(*arguments, timeout=limit, what=f"saving {' '.join(arguments)}")
            return said.decode(errors="replace")

        return fetch

    kept: dict[str, Fetch] = {}
    for name, proxy in proxies.items():
        kept |= {f"{name}.config_dump.json": _dump(proxy), f"{name}.stats.json": _stats(proxy)}
    kept["events.txt"] = ask("get", "events", "--sort-by=.lastTimestamp")
    kept["objects.yaml"] = ask("get", KINDS, "-o", "yaml")
    kept["pods.txt"] = ask("describe", "pods")
    for pod in await _pods(shared):
        # Not `--all-containers`: for a pod that waits for an image it prints nothing else.
        for container in _begun(pod):
            name = str(pod["metadata"]["name"])
            kept[f"{name}.{container}.log"] = ask("logs", name, "-c", container, f"--tail={LOG_LINES}")
    kept["istiod.log"] = ask("logs", "-n", NAMESPACE, "-l", "app=istiod", f"--tail={LOG_LINES}")
    if shared.istioctl is not None:
        istioctl = shared.istioctl

        async def status() -> str:
            return await istioctl.proxy_status(shared.timeouts)

        kept["proxy-status.txt"] = status
    await asyncio.gather(*(_write(folder / name, fetch) for name, fetch in kept.items()))


async def _pods(shared: SharedNamespace) -> Sequence[Json]:
    """All pods, whether this run has a channel to them or not."""
    try:
        return await shared.cluster.objects.list("v1", "Pod", shared.namespace)
    except MeshproofError:
        # The other files say why the API server does not answer.
        return ()


def _begun(pod: Json) -> Iterator[str]:
    """The containers that have run, and so may have a log."""
    status = pod.get("status") or {}
    for one in [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]:
        if "waiting" not in (one.get("state") or {}) or one.get("restartCount"):
            yield str(one["name"])


def _dump(proxy: Sidecar) -> Fetch:
    async def fetch() -> str:
        return json.dumps(redact_all(await proxy.config_dump()), indent=1)

    return fetch


def _stats(proxy: Sidecar) -> Fetch:
    async def fetch() -> str:
        return json.dumps({**await proxy.counters(), **await proxy.gauges()}, indent=1, sort_keys=True)

    return fetch


async def _write(path: Path, fetch: Fetch) -> None:
    try:
        text = await fetch()
    except MeshproofError as error:
        text = f"not available: {error}\n"
    await asyncio.to_thread(path.write_text, redact(text))
