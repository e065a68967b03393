"""Waiting for Deployments and pods, and naming what is not ready when the wait ends."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Mapping, Sequence

from meshproof.errors import TargetError
from meshproof.targets.kube import pods
from meshproof.targets.kube.api.connection import Cluster
from meshproof.targets.kube.objects import Json

INTERVAL = 0.2
# States that do not change by waiting: raised at once, not after the limit.
HOPELESS = frozenset({"InvalidImageName", "ErrImageNeverPull", "CreateContainerConfigError"})


async def available(
    cluster: Cluster,
    namespace: str,
    names: Collection[str] | None = None,
    *,
    limit: float | None = None,
    on_ready: Callable[[Sequence[Json]], None] = lambda _: None,
) -> Sequence[Json]:
    """Wait until Deployments (None: all of the namespace) run as they are specified; their ready pods.

    Meanwhile `on_ready` is called with the ready pods of those Deployments that run already. TargetError names each
    Deployment that does not, with what is known of its pods.
    """
    timeout = cluster.timeouts.kube_ready if limit is None else limit
    deadline = time.monotonic() + timeout
    while True:
        deployments = await cluster.objects.list("apps/v1", "Deployment", namespace)
        found = {one["metadata"]["name"]: one for one in deployments}
        chosen = found if names is None else {name: found.get(name, {}) for name in names}
        lacking = {name: words for name, one in chosen.items() if (words := _lacking(one))}
        listed = await cluster.objects.list("v1", "Pod", namespace)
        mine = [pod for pod in listed if any(_selects(one, pod) for one in chosen.values())]
        if not lacking:
            return [pod for pod in mine if pods.ready(pod)]
        done = [one for name, one in chosen.items() if name not in lacking]
        on_ready([pod for pod in mine if pods.ready(pod) and any(_selects(one, pod) for one in done)])
        waiting = [pod for pod in mine if not pods.ready(pod) and not pod["metadata"].get("deletionTimestamp")]
        late = time.monotonic() > deadline
        if late or any(_hopeless(pod) for pod in waiting):
            words = ", ".join(f"{name} ({what})" for name, what in sorted(lacking.items()))
            why = f"not ready after {timeout:g} s" if late else "never ready"
            raise TargetError(
                f"namespace {namespace}: {why}: {words}", await _why(cluster, namespace, lacking, waiting)
            )
        await asyncio.sleep(INTERVAL)


async def ready_pods(
    cluster: Cluster, namespace: str, labels: str, count: int = 1, *, limit: float | None = None
) -> Sequence[Json]:
    """Wait for at least `count` ready pods with these labels (a selector)."""
    timeout = cluster.timeouts.kube_ready if limit is None else limit
    deadline = time.monotonic() + timeout
    while True:
        found = await cluster.objects.list("v1", "Pod", namespace, labels=labels)
        good = [pod for pod in found if pods.ready(pod)]
        if len(good) >= count:
            return good
        if time.monotonic() > deadline:
            bad = [pod for pod in found if not pods.ready(pod)]
            look = cluster.kubectl.within(namespace).shown("get", "pods", "--selector", labels)
            account = await pods.account(cluster, namespace, bad) or f"there is no such pod\nlook: {look}"
            message = f"{len(good)} of {count} pods {labels} of namespace {namespace} ready after {timeout:g} s"
            raise TargetError(message, account)
        await asyncio.sleep(INTERVAL)


def _lacking(deployment: Json) -> str:
    """What a Deployment lacks; empty when all its replicas are new and available, and no old one is left."""
    if not deployment:
        return "there is none"
    status = deployment.get("status") or {}
    specified = (deployment.get("spec") or {}).get("replicas", 1)
    if status.get("observedGeneration", 0) < deployment["metadata"].get("generation", 0):
        return "no controller has looked at it yet"
    for count, what in (("updatedReplicas", "up to date"), ("availableReplicas", "available")):
        if status.get(count, 0) < specified:
            return f"{status.get(count, 0)} of {specified} replicas {what}"
    old = status.get("replicas", 0) - specified
    return f"{old} replicas too many" if old > 0 else ""


async def _why(cluster: Cluster, namespace: str, lacking: Mapping[str, str], waiting: Sequence[Json]) -> str:
    if waiting:
        return await pods.account(cluster, namespace, waiting)
    # Without a pod, the events of the Deployment and its ReplicaSets say why: a quota, an admission webhook.
    sets = await cluster.objects.list("apps/v1", "ReplicaSet", namespace)
    owners = [one["metadata"]["name"] for one in sets if _owner(one) in lacking]
    lines = []
    for name in [*lacking, *owners]:
        lines += [f"{name}: {words}" for words in await pods.warnings(cluster, namespace, name)]
    if not lines:
        lines.append("there are no pods, and no event says why")
    look = cluster.kubectl.within(namespace).shown("describe", "deployments", *lacking)
    return "\n".join([*lines, f"look: {look}"])


def _owner(body: Json) -> str:
    references = body["metadata"].get("ownerReferences") or ()
    return next((str(one["name"]) for one in references if one.get("controller")), "")


def _selects(deployment: Json, pod: Json) -> bool:
    wanted = ((deployment.get("spec") or {}).get("selector") or {}).get("matchLabels") or {}
    return bool(wanted) and wanted.items() <= (pod["metadata"].get("labels") or {}).items()


def _hopeless(pod: Json) -> bool:
    status = pod.get("status") or {}
    states = [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]
    return any(((one.get("state") or {}).get("waiting") or {}).get("reason") in HOPELESS for one in states)
