"""Istio put into a cluster, or found there; what fails half-way is told and removed again."""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from meshproof.errors import MeshproofError, TargetError, UsageError
from meshproof.process import CleanupOnDeath
from meshproof.targets.istio import health, manifest, unfinished
from meshproof.targets.istio.health import ControlPlane
from meshproof.targets.istio.injection import DEFAULT
from meshproof.targets.istio.istioctl import NAMESPACE, Istioctl
from meshproof.targets.istio.sweep import sweep
from meshproof.targets.kube import ownership
from meshproof.targets.kube.api.connection import Cluster

ANNOTATION = "meshproof.dev/installed"
UNFINISHED = "unfinished"
# With Istio's kinds goes everything that anybody wrote of them: those that were there before stay.
KINDS_BEFORE = "meshproof.dev/kinds-before"
GROUP = "networking.istio.io"
INTERVAL = 0.25


@dataclass(frozen=True, slots=True)
class Plan:
    """How Istio shall be installed: `settings` are values for `--set`, `manifest` is a rendered one to apply instead.

    `skip` takes what stands in the cluster.
    """

    profile: str = "demo"
    hub: str = ""
    settings: tuple[str, ...] = ()
    revision: str = ""
    manifest: Path | None = None
    skip: bool = False

    @property
    def values(self) -> tuple[str, ...]:
        """All values for `--set`, in the order in which they are given."""
        return (f"profile={self.profile}", *((f"hub={self.hub}",) if self.hub else ()), *self.settings)

    def fingerprint(self, version: str) -> str:
        """What tells one installation by this program from another."""
        text = self.manifest.read_text(encoding="utf-8") if self.manifest else json.dumps(self.values)
        return hashlib.sha256(f"{version}\n{self.revision}\n{text}".encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Installed:
    """The Istio that a run uses: `fresh` when this run installed it. `warnings` are those of the precheck."""

    version: str
    revision: str
    fresh: bool
    warnings: tuple[str, ...] = ()


async def install(
    cluster: Cluster, istioctl: Istioctl | None, plan: Plan, keep_open: Sequence[int | None] = ()
) -> Installed:
    """Install Istio and wait until it is ready; what this program installed before in the same way is taken as it is.

    `holding` are descriptors of what has to be there to take the installation out again, should this process be killed.
    UsageError for an Istio that somebody else installed, unless the plan skips the installation.
    TargetError when it fails; what was installed by then has been removed again.
    """
    if plan.skip:
        return await _found(cluster, await health.control_planes(cluster), plan)
    if istioctl is None and plan.manifest is None:
        raise ValueError("an installation needs istioctl or a manifest")
    mark = plan.fingerprint(istioctl.version if istioctl and not plan.manifest else "")
    namespace = await cluster.objects.get("v1", "Namespace", NAMESPACE)
    before = _note(namespace, ANNOTATION)
    there = await health.control_planes(cluster, "")
    if foreign := [one for one in there if not before or one.namespace != NAMESPACE]:
        raise UsageError(
            f"{_told(foreign)} is installed already, and not by meshproof: it is not replaced. Use it with"
            " --skip-install (in pytest: --mesh-skip-install), or remove it first"
        )
    if there and before == mark:
        await health.ready(cluster)
        return Installed(there[0].version, there[0].revision, fresh=False)
    return await _install(cluster, istioctl, plan, mark, keep_open, ours=namespace is None or _ours(namespace))


async def remove(cluster: Cluster, istioctl: Istioctl | None, plan: Plan) -> None:
    """Remove an Istio that this program installed, its namespace too; nothing else is touched."""
    namespace = await cluster.objects.get("v1", "Namespace", NAMESPACE)
    if namespace is None or not _note(namespace, ANNOTATION):
        return
    await _remove(cluster, istioctl, plan, kinds=not _note(namespace, KINDS_BEFORE))
    if _ours(namespace):
        await _vanish(cluster, str(namespace["metadata"]["uid"]))
    else:
        await _annotate(cluster, None)


async def _found(cluster: Cluster, there: Sequence[ControlPlane], plan: Plan) -> Installed:
    namespace = await cluster.objects.get("v1", "Namespace", NAMESPACE)
    if _note(namespace, ANNOTATION) == UNFINISHED:
        raise unfinished.half_installed(cluster, kinds=not _note(namespace, KINDS_BEFORE))
    fitting = [one for one in there if plan.revision in ("", one.revision)]
    if not fitting:
        what = f"revision {plan.revision}" if plan.revision else "Istio"
        others = f"; there is {_told(there)}" if there else ""
        raise TargetError(
            f"{what} is not installed in this cluster, and its installation is skipped{others}",
            f"look: {cluster.kubectl.within(NAMESPACE).shown('get', 'deployments', '--show-labels')}",
        )
    await health.ready(cluster)
    chosen = next((one for one in fitting if one.revision == "default"), fitting[0])
    return Installed(chosen.version, chosen.revision, fresh=False)


async def _install(
    cluster: Cluster,
    istioctl: Istioctl | None,
    plan: Plan,
    mark: str,
    keep_open: Sequence[int | None],
    *,
    ours: bool,
) -> Installed:
    warnings = await istioctl.precheck(cluster.timeouts) if istioctl and not plan.manifest else ()
    cleanup: CleanupOnDeath | None = None
    try:
        # Noted first: an installation that is killed half-way is known as one.
        await _claim(cluster, ours=ours)
        cleanup = await _cleanup_on_death(cluster, istioctl, plan, keep_open, ours=ours)
        if plan.manifest:
            await manifest.apply(cluster, plan.manifest)
        else:
            assert istioctl is not None
            await istioctl.install(plan.values, plan.revision, cluster.timeouts)
        await health.ready(cluster)
        there = await health.control_planes(cluster)
        await _annotate(cluster, mark)
    except BaseException as error:
        await asyncio.shield(_undo(cluster, istioctl, plan, error, cleanup))
        raise
    await asyncio.shield(asyncio.to_thread(cleanup.revoke))
    chosen = next((one for one in there if plan.revision in ("", one.revision)), there[0])
    return Installed(chosen.version, chosen.revision, True, warnings)


async def _cleanup_on_death(
    cluster: Cluster, istioctl: Istioctl | None, plan: Plan, keep_open: Sequence[int | None], *, ours: bool
) -> CleanupOnDeath:
    """What takes the installation out again should this process be killed in it."""
    namespace = await cluster.objects.get("v1", "Namespace", NAMESPACE)
    kinds = not _note(namespace, KINDS_BEFORE)
    notes = () if ours else (ANNOTATION, KINDS_BEFORE)
    commands = unfinished.cleanup_commands(
        cluster, istioctl, revision=plan.revision, manifest=plan.manifest, kinds=kinds, notes=notes
    )
    return CleanupOnDeath(commands, keep_open=keep_open)


async def _undo(
    cluster: Cluster, istioctl: Istioctl | None, plan: Plan, error: BaseException, cleanup: CleanupOnDeath | None
) -> None:
    """Remove what was installed by then, and say in the error what became of it."""
    said = await _account(cluster) if isinstance(error, TargetError) else ""
    try:
        await remove(cluster, istioctl, plan)
        end = "what was installed by then has been removed again"
        settle = cleanup.revoke if cleanup else None
    except MeshproofError as failure:
        end = f"what was installed by then could not be removed: {failure}"
        settle = cleanup.release if cleanup else None
    if settle is not None:
        await asyncio.to_thread(settle)
    if isinstance(error, TargetError):
        detail = "\n".join(part for part in (error.detail, said, end) if part)
        raise TargetError(f"Istio could not be installed: {error.message}", detail) from None


async def _account(cluster: Cluster) -> str:
    """What is not ready, when istioctl itself has only said that something is not."""
    try:
        await health.ready(cluster, limit=0)
    except MeshproofError as half_installed:
        return str(half_installed)
    return ""


async def _remove(cluster: Cluster, istioctl: Istioctl | None, plan: Plan, *, kinds: bool) -> None:
    if plan.manifest:
        await manifest.delete(cluster, plan.manifest, kinds=kinds)
    elif istioctl:
        await istioctl.uninstall("" if kinds else plan.revision or DEFAULT, cluster.timeouts)
        if not kinds:
            # By revision, istioctl leaves what revisions share: there is no other one here.
            await sweep(cluster)


async def _vanish(cluster: Cluster, uid: str) -> None:
    """Delete the namespace and wait until it is gone: a new one cannot be made before."""
    await cluster.objects.delete("v1", "Namespace", NAMESPACE, uid=uid)
    limit = cluster.timeouts.kube_gone
    deadline = time.monotonic() + limit
    while (found := await cluster.objects.get("v1", "Namespace", NAMESPACE)) and found["metadata"]["uid"] == uid:
        if time.monotonic() > deadline:
            look = cluster.kubectl.within("").shown("get", "namespace", NAMESPACE, "-o", "yaml")
            raise TargetError(f"namespace {NAMESPACE} is still being deleted after {limit:g} s", f"look: {look}")
        await asyncio.sleep(INTERVAL)


async def _claim(cluster: Cluster, *, ours: bool) -> None:
    """The namespace, with the note that an installation has begun."""
    labels = {ownership.MANAGED_BY: ownership.NAME} if ours else {}
    namespace = await cluster.objects.get("v1", "Namespace", NAMESPACE)
    again = _note(namespace, ANNOTATION)
    kinds = _note(namespace, KINDS_BEFORE) if again else ",".join(await cluster.objects.versions(GROUP))
    notes = {ANNOTATION: UNFINISHED, KINDS_BEFORE: kinds}
    if namespace is not None:
        # The note of an earlier installation was not applied, and so is not to be applied over either.
        await cluster.objects.merge(
            "v1", "Namespace", NAMESPACE, {"metadata": {"labels": labels, "annotations": notes}}
        )
        return
    metadata = {"name": NAMESPACE, "labels": labels, "annotations": notes}
    await cluster.objects.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})


async def _annotate(cluster: Cluster, mark: str | None) -> None:
    notes = {ANNOTATION: mark, **({} if mark else {KINDS_BEFORE: None})}
    await cluster.objects.merge("v1", "Namespace", NAMESPACE, {"metadata": {"annotations": notes}})


def _ours(namespace: Mapping[str, Any]) -> bool:
    """Whether the namespace itself was made for an installation by this program."""
    return bool((namespace["metadata"].get("labels") or {}).get(ownership.MANAGED_BY) == ownership.NAME)


def _note(namespace: Mapping[str, Any] | None, name: str) -> str:
    return str((((namespace or {}).get("metadata") or {}).get("annotations") or {}).get(name, ""))


def _told(there: Sequence[ControlPlane]) -> str:
    return " and ".join(
        f"Istio {one.version or '(of unknown version)'}, revision {one.revision}, namespace {one.namespace}"
        for one in there
    )
