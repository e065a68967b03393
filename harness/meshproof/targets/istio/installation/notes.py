"""The annotations of istio-system that say what this program has installed there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from meshproof.targets.istio.istioctl import NAMESPACE
from meshproof.targets.kube import ownership
from meshproof.targets.kube.api.connection import Cluster

ANNOTATION = "meshproof.dev/installed"
UNFINISHED = "unfinished"
# Deleting Istio's kinds deletes every object of them: where the kinds were there before, they stay.
KINDS_BEFORE = "meshproof.dev/kinds-before"
GROUP = "networking.istio.io"


async def read(cluster: Cluster) -> Mapping[str, Any] | None:
    """The namespace istio-system; None where there is none."""
    return await cluster.objects.get("v1", "Namespace", NAMESPACE)


async def begin(cluster: Cluster, *, ours: bool) -> None:
    """Note in the namespace, which is created if need be, that an installation has begun.

    `ours` says that the namespace was or is created for an installation by this program.
    """
    labels = {ownership.MANAGED_BY: ownership.NAME} if ours else {}
    namespace = await read(cluster)
    again = note(namespace, ANNOTATION)
    kinds = note(namespace, KINDS_BEFORE) if again else ",".join(await cluster.objects.versions(GROUP))
    notes = {ANNOTATION: UNFINISHED, KINDS_BEFORE: kinds}
    if namespace is not None:
        # A merge patch: a server-side apply would conflict with the annotation of an earlier installation.
        await cluster.objects.merge(
            "v1", "Namespace", NAMESPACE, {"metadata": {"labels": labels, "annotations": notes}}
        )
        return
    metadata = {"name": NAMESPACE, "labels": labels, "annotations": notes}
    await cluster.objects.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})


async def end(cluster: Cluster, mark: str | None) -> None:
    """Note the fingerprint of a complete installation; None removes all notes."""
    notes = {ANNOTATION: mark, **({} if mark else {KINDS_BEFORE: None})}
    await cluster.objects.merge("v1", "Namespace", NAMESPACE, {"metadata": {"annotations": notes}})


def created_by_us(namespace: Mapping[str, Any]) -> bool:
    """Whether the namespace itself was created for an installation by this program."""
    return bool((namespace["metadata"].get("labels") or {}).get(ownership.MANAGED_BY) == ownership.NAME)


def note(namespace: Mapping[str, Any] | None, name: str) -> str:
    """One annotation of the namespace; empty when there is none."""
    return str((((namespace or {}).get("metadata") or {}).get("annotations") or {}).get(name, ""))
