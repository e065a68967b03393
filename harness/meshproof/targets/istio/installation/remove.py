"""An Istio that this program installed, removed again."""

from __future__ import annotations

import asyncio
import time

from meshproof.errors import TargetError
from meshproof.targets.istio.installation import manifest, notes
from meshproof.targets.istio.installation.plan import Plan
from meshproof.targets.istio.installation.sweep import sweep
from meshproof.targets.istio.istioctl import NAMESPACE, Istioctl
from meshproof.targets.istio.proxy.injection import DEFAULT
from meshproof.targets.kube.api.connection import Cluster

INTERVAL = 0.25


async def remove(cluster: Cluster, istioctl: Istioctl | None, plan: Plan) -> None:
    """Remove an Istio that this program installed, its namespace too; nothing else is changed."""
    namespace = await notes.read(cluster)
    if namespace is None or not notes.note(namespace, notes.ANNOTATION):
        return
    await _remove(cluster, istioctl, plan, kinds=not notes.note(namespace, notes.KINDS_BEFORE))
    if notes.created_by_us(namespace):
        await _delete_namespace(cluster, str(namespace["metadata"]["uid"]))
    else:
        await notes.end(cluster, None)


async def _remove(cluster: Cluster, istioctl: Istioctl | None, plan: Plan, *, kinds: bool) -> None:
    if plan.manifest:
        await manifest.delete(cluster, plan.manifest, kinds=kinds)
    elif istioctl:
        await istioctl.uninstall("" if kinds else plan.revision or DEFAULT, cluster.timeouts)
        if not kinds:
            # By revision, istioctl leaves what revisions share; here there is no other revision.
            await sweep(cluster)


async def _delete_namespace(cluster: Cluster, uid: str) -> None:
    """Delete the namespace and wait until it is gone: a new one cannot be created before."""
    await cluster.objects.delete("v1", "Namespace", NAMESPACE, uid=uid)
    limit = cluster.timeouts.kube_gone
    deadline = time.monotonic() + limit
    while (found := await notes.read(cluster)) and found["metadata"]["uid"] == uid:
        if time.monotonic() > deadline:
            look = cluster.kubectl.within("").shown("get", "namespace", NAMESPACE, "-o", "yaml")
            raise TargetError(f"namespace {NAMESPACE} is still being deleted after {limit:g} s", f"look: {look}")
        await asyncio.sleep(INTERVAL)
