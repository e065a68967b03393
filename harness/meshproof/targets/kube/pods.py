"""Why a pod is not ready, as the kubelet, the scheduler and the container itself report it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from meshproof.errors import TargetError
from meshproof.targets.kube.api.connection import Cluster
from meshproof.targets.kube.objects import Json

EVENTS = 3
LOG_LINES = 10
PODS = 5


def ready(pod: Json) -> bool:
    """Whether a pod is Ready, and not being deleted."""
    conditions = {one["type"]: one["status"] for one in (pod.get("status") or {}).get("conditions") or ()}
    return conditions.get("Ready") == "True" and not pod["metadata"].get("deletionTimestamp")


def hindrances(pod: Json) -> tuple[str, ...]:
    """Why the pod is not ready, by its own status."""
    return tuple(_hindrances(pod))


def _hindrances(pod: Json) -> Iterator[str]:
    status = pod.get("status") or {}
    if pod["metadata"].get("deletionTimestamp"):
        yield "is being deleted"
    if status.get("phase") == "Failed":
        yield f"failed: {status.get('reason', '')} {status.get('message', '')}".rstrip()
    for one in status.get("conditions") or ():
        if one.get("type") == "PodScheduled" and one.get("status") == "False":
            yield f"not scheduled: {one.get('message') or one.get('reason')}"
    for container in [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]:
        name, state = container.get("name"), container.get("state") or {}
        if waiting := state.get("waiting"):
            yield f"container {name} waits: {waiting.get('reason')} {waiting.get('message', '')}".rstrip()
        ended = state.get("terminated") or (container.get("lastState") or {}).get("terminated")
        if ended and ended.get("exitCode"):
            yield f"container {name} ended: {ended.get('reason')}, exit code {ended.get('exitCode')}"
        elif "running" in state and not container.get("ready"):
            yield f"container {name} runs and is not ready"


async def account(cluster: Cluster, namespace: str, pods: Sequence[Json]) -> str:
    """What is known of pods that are not ready: status, warnings, last log lines, and a command that shows more."""
    lines = []
    for pod in pods[:PODS]:
        name = pod["metadata"]["name"]
        lines.append(f"pod {name}: {'; '.join(hindrances(pod)) or 'is not ready'}")
        lines += [f"  event: {words}" for words in await warnings(cluster, namespace, name)]
        for container in _with_log(pod):
            lines += [f"  {container}: {line}" for line in await _log(cluster, namespace, name, container)]
    if len(pods) > PODS:
        lines.append(f"and {len(pods) - PODS} pods more")
    if pods:
        look = cluster.kubectl.within(namespace).shown("describe", "pod", pods[0]["metadata"]["name"])
        lines.append(f"look: {look}")
    return "\n".join(lines)


async def warnings(cluster: Cluster, namespace: str, name: str) -> Sequence[str]:
    """The latest warnings among the events about an object of that name."""
    fields = f"involvedObject.name={name},type=Warning"
    try:
        found = await cluster.objects.list("v1", "Event", namespace, fields=fields)
    except TargetError as error:
        return [f"(events cannot be read: {error.message})"]
    latest = sorted(found, key=lambda one: str(one.get("lastTimestamp") or one.get("eventTime") or ""))
    return [f"{one.get('reason')}: {one.get('message')}" for one in latest[-EVENTS:]]


def _with_log(pod: Json) -> Iterator[str]:
    """The containers of a pod that are not ready and have run, so that they may have a log."""
    status = pod.get("status") or {}
    for one in [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]:
        began = "running" in (one.get("state") or {}) or "terminated" in (one.get("state") or {})
        if not one.get("ready") and (began or one.get("restartCount")):
            yield one["name"]


async def _log(cluster: Cluster, namespace: str, pod: str, container: str) -> Sequence[str]:
    kubectl = cluster.kubectl.within(namespace)
    arguments = ("logs", pod, "-c", container, f"--tail={LOG_LINES}")
    try:
        said = await kubectl.run(*arguments, timeout=cluster.timeouts.kube_answer, what=f"reading the log of {pod}")
    except TargetError as error:
        return [f"(its log cannot be read: {error.message})"]
    return said.decode(errors="replace").splitlines()
