"""Sidecar injection: enabled for a namespace, and verified."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Any

from meshproof.border.timeouts import Timeouts
from meshproof.errors import TargetError
from meshproof.targets.istio.proxy.sidecar import CONTAINER
from meshproof.targets.kube.api.refusal import RefusedError
from meshproof.targets.kube.objects import Objects

ENABLED = "istio-injection"
REVISION = "istio.io/rev"
DEFAULT = "default"
INTERVAL = 0.25
EXAMPLE = "meshproof-injected"


def labels(revision: str = "") -> dict[str, str | None]:
    """The namespace's labels; with both of them the first would win, so the other one is removed (None)."""
    if revision in ("", DEFAULT):
        return {ENABLED: "enabled", REVISION: None}
    return {ENABLED: None, REVISION: revision}


def proxy(pod: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The container that is a pod's sidecar (a native sidecar is an init container that keeps running)."""
    spec = pod.get("spec") or {}
    native = [one for one in spec.get("initContainers") or () if one.get("restartPolicy") == "Always"]
    return next((one for one in (*(spec.get("containers") or ()), *native) if one.get("name") == CONTAINER), None)


async def would_inject(objects: Objects, namespace: str, timeouts: Timeouts) -> Mapping[str, Any] | None:
    """The sidecar that a new pod of the namespace would get; None when it would get none.

    The API server is asked by a dry run, which calls its webhooks too.
    """
    body = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": EXAMPLE, "namespace": namespace},
        "spec": {"containers": [{"name": "app", "image": "example.invalid/app"}]},
    }
    deadline = time.monotonic() + timeouts.istio_injected
    while True:
        try:
            return proxy(await objects.apply(body, dry_run=True))
        except RefusedError as error:
            # The service account of a new namespace is created with a delay.
            if "serviceaccount" not in error.words or time.monotonic() > deadline:
                raise
        await asyncio.sleep(INTERVAL)


async def prove(objects: Objects, namespace: str, timeouts: Timeouts) -> str:
    """The image of the sidecar that pods of the namespace get; TargetError when they get none."""
    deadline = time.monotonic() + timeouts.istio_injected
    while (sidecar := await would_inject(objects, namespace, timeouts)) is None:
        # The webhook's configuration is patched by istiod after it has become ready.
        if time.monotonic() > deadline:
            raise TargetError(
                f"pods of namespace {namespace} get no sidecar within {timeouts.istio_injected:g} s",
                f"look: {objects.shown('get', 'namespace', namespace, '--show-labels')}; "
                f"{objects.shown('get', 'mutatingwebhookconfigurations')}",
            )
        await asyncio.sleep(INTERVAL)
    return str(sidecar.get("image", ""))


def carried(pods: Sequence[Mapping[str, Any]]) -> None:
    """Raise TargetError naming those of these pods that have no sidecar."""
    proxyless = [str(pod["metadata"]["name"]) for pod in pods if proxy(pod) is None]
    if proxyless:
        raise TargetError(f"injection did not happen: {', '.join(sorted(proxyless))} carries no {CONTAINER}")
