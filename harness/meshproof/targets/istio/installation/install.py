"""Istio installed in a cluster, or found there; an installation that fails half-way is removed again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from meshproof.errors import MeshproofError, TargetError, UsageError
from meshproof.process import NOTHING, CleanupOnDeath, Surroundings
from meshproof.targets.istio import health
from meshproof.targets.istio.health import ControlPlane
from meshproof.targets.istio.installation import manifest, notes, unfinished
from meshproof.targets.istio.installation.notes import ANNOTATION, KINDS_BEFORE, UNFINISHED
from meshproof.targets.istio.installation.plan import Installed, Plan
from meshproof.targets.istio.installation.remove import remove
from meshproof.targets.istio.istioctl import NAMESPACE, Istioctl
from meshproof.targets.kube.api.connection import Cluster


async def install(
    cluster: Cluster,
    istioctl: Istioctl | None,
    plan: Plan,
    keep_open: Sequence[int | None] = (),
    surroundings: Surroundings = NOTHING,
) -> Installed:
    """Install Istio and wait until it is ready; what this program installed before in the same way is used as it is.

    Should this process be killed, the installation is removed again: `keep_open` are descriptors of files that this
    needs, `surroundings` the commands that must stand around it.
    UsageError for an Istio that somebody else installed, unless the plan skips the installation.
    TargetError when it fails; what was installed by then has been removed again.
    """
    if plan.skip:
        return await _found(cluster, await health.control_planes(cluster), plan)
    if istioctl is None and plan.manifest is None:
        raise ValueError("an installation needs istioctl or a manifest")
    mark = plan.fingerprint(istioctl.version if istioctl and not plan.manifest else "")
    namespace = await notes.read(cluster)
    before = notes.note(namespace, ANNOTATION)
    there = await health.control_planes(cluster, "")
    if foreign := [one for one in there if not before or one.namespace != NAMESPACE]:
        raise UsageError(
            f"{_described(foreign)} is installed already, and not by meshproof: it is not replaced. Use it with"
            " --skip-install, or remove it first"
        )
    if there and before == mark:
        await health.ready(cluster)
        return Installed(there[0].version, there[0].revision, fresh=False)
    ours = namespace is None or notes.created_by_us(namespace)
    will = partial(_cleanup_on_death, cluster, istioctl, plan, keep_open, surroundings, ours=ours)
    return await _install(cluster, istioctl, plan, mark, will, ours=ours)


async def _found(cluster: Cluster, there: Sequence[ControlPlane], plan: Plan) -> Installed:
    namespace = await notes.read(cluster)
    if notes.note(namespace, ANNOTATION) == UNFINISHED:
        raise unfinished.half_installed(cluster, kinds=not notes.note(namespace, KINDS_BEFORE))
    fitting = [one for one in there if plan.revision in ("", one.revision)]
    if not fitting:
        what = f"revision {plan.revision}" if plan.revision else "Istio"
        others = f"; there is {_described(there)}" if there else ""
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
    will: Callable[[], Awaitable[CleanupOnDeath]],
    *,
    ours: bool,
) -> Installed:
    warnings = await istioctl.precheck(cluster.timeouts) if istioctl and not plan.manifest else ()
    cleanup: CleanupOnDeath | None = None
    try:
        # Noted first, so that an installation that is killed half-way is recognised.
        await notes.begin(cluster, ours=ours)
        cleanup = await will()
        if plan.manifest:
            await manifest.apply(cluster, plan.manifest)
        else:
            assert istioctl is not None
            await istioctl.install(plan.values, plan.revision, cluster.timeouts)
        await health.ready(cluster)
        there = await health.control_planes(cluster)
        await notes.end(cluster, mark)
    except BaseException as error:
        await asyncio.shield(_undo(cluster, istioctl, plan, error, cleanup))
        raise
    await asyncio.shield(asyncio.to_thread(cleanup.revoke))
    chosen = next((one for one in there if plan.revision in ("", one.revision)), there[0])
    return Installed(chosen.version, chosen.revision, True, warnings)


async def _cleanup_on_death(
    cluster: Cluster,
    istioctl: Istioctl | None,
    plan: Plan,
    keep_open: Sequence[int | None],
    surroundings: Surroundings,
    *,
    ours: bool,
) -> CleanupOnDeath:
    """What removes the installation again should this process be killed during it."""
    kinds = not notes.note(await notes.read(cluster), KINDS_BEFORE)
    annotations = () if ours else (ANNOTATION, KINDS_BEFORE)
    commands = unfinished.cleanup_commands(
        cluster,
        istioctl,
        revision=plan.revision,
        manifest=plan.manifest,
        kinds=kinds,
        annotations=annotations,
        surroundings=surroundings,
    )
    return CleanupOnDeath(commands, keep_open=keep_open)


async def _undo(
    cluster: Cluster, istioctl: Istioctl | None, plan: Plan, error: BaseException, cleanup: CleanupOnDeath | None
) -> None:
    """Remove what was installed by then, and add to the error whether that succeeded."""
    said = await _not_ready(cluster) if isinstance(error, TargetError) else ""
    try:
        await remove(cluster, istioctl, plan)
        end = "what was installed by then has been removed again"
        finish = cleanup.revoke if cleanup else None
    except MeshproofError as failure:
        end = f"what was installed by then could not be removed: {failure}"
        finish = cleanup.release if cleanup else None
    if finish is not None:
        await asyncio.to_thread(finish)
    if isinstance(error, TargetError):
        detail = "\n".join(part for part in (error.detail, said, end) if part)
        raise TargetError(f"Istio could not be installed: {error.message}", detail) from None


async def _not_ready(cluster: Cluster) -> str:
    """What is not ready, when istioctl itself has only said that something is not."""
    try:
        await health.ready(cluster, limit=0)
    except MeshproofError as error:
        return str(error)
    return ""


def _described(there: Sequence[ControlPlane]) -> str:
    return " and ".join(
        f"Istio {one.version or '(of unknown version)'}, revision {one.revision}, namespace {one.namespace}"
        for one in there
    )
