"""Noticing at once when a pod that a verdict rests on dies."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence

from meshproof.errors import TargetError
from meshproof.target.kube.connection import Cluster
from meshproof.target.kube.objects import Json

PAUSE = 0.5


async def died(cluster: Cluster, namespace: str, pods: Sequence[Json]) -> TargetError:
    """Wait until one of these pods (as they were read) is deleted, fails or restarts a container; what says so.

    An API server that is gone meanwhile is told as an error too: then nobody would notice.
    """
    known = {str(pod["metadata"]["uid"]): pod for pod in pods}
    path = f"/api/v1/namespaces/{namespace}/pods"
    while True:
        listed = await cluster.objects.raw(path, what=f"watching the pods of {namespace}")
        now = {str(pod["metadata"]["uid"]): pod for pod in listed.get("items") or ()}
        for uid, pod in known.items():
            if words := _death(pod, now.get(uid)):
                return TargetError(words)
        version = str((listed.get("metadata") or {}).get("resourceVersion", ""))
        if words := await _watch(cluster, f"{path}?watch=1&resourceVersion={version}", known):
            return TargetError(words)
        # A server ends each watch after a while; one that ends all of them at once is not asked without a pause.
        await asyncio.sleep(PAUSE)


async def _watch(cluster: Cluster, path: str, known: Mapping[str, Json]) -> str:
    """The first death that one watch tells of; empty when the watch ends before."""
    async with cluster.kubectl.running("get", "--raw", path) as child:
        while line := await child.stdout.readline():
            try:
                event = json.loads(line)
                uid = str(event["object"]["metadata"].get("uid", ""))
            except (ValueError, KeyError, TypeError):
                return ""
            if event.get("type") == "ERROR":
                return ""
            if uid in known:
                gone = event.get("type") == "DELETED"
                if words := _death(known[uid], None if gone else event["object"]):
                    return words
    return ""


def _death(before: Json, now: Json | None) -> str:
    """What became of a pod; empty while it lives."""
    name = before["metadata"]["name"]
    if now is None or now["metadata"].get("deletionTimestamp"):
        return f"pod {name} was deleted"
    status = now.get("status") or {}
    if status.get("phase") in ("Failed", "Succeeded"):
        return f"pod {name} ended: {status.get('reason') or status['phase']} {status.get('message', '')}".rstrip()
    counts = _restarts(before)
    for container in status.get("containerStatuses") or ():
        if container.get("restartCount", 0) > counts.get(container["name"], 0):
            ended = (container.get("lastState") or {}).get("terminated") or {}
            why = f"{ended.get('reason')}, exit code {ended.get('exitCode')}" if ended else "for no reason that is told"
            return f"pod {name}: container {container['name']} was restarted ({why})"
        if (container.get("state") or {}).get("terminated"):
            ended = container["state"]["terminated"]
            return (
                f"pod {name}: container {container['name']} ended ({ended.get('reason')}, exit {ended.get('exitCode')})"
            )
    return ""


def _restarts(pod: Json) -> dict[str, int]:
    statuses = (pod.get("status") or {}).get("containerStatuses") or ()
    return {one["name"]: one.get("restartCount", 0) for one in statuses}
