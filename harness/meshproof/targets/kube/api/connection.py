"""Connecting to a cluster by an explicit context, with errors that name the cause."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence, Set
from pathlib import Path

from kubernetes.client import ApiClient

from meshproof.border.timeouts import Timeouts
from meshproof.errors import TargetError, UsageError
from meshproof.process import OwnedFolder
from meshproof.records import dataclass
from meshproof.targets.kube import ownership
from meshproof.targets.kube.api import kubeconfig as config
from meshproof.targets.kube.api.kubeconfig import Context
from meshproof.targets.kube.api.refusal import RefusedError
from meshproof.targets.kube.hints import expiry, obstacle
from meshproof.targets.kube.kubectl import Kubectl, find
from meshproof.targets.kube.objects import Json, Objects

ALLOW_PRODUCTION = "production"


@dataclass(frozen=True, slots=True)
class Node:
    """One machine of the cluster as it describes itself; `kernel` is `uname -r`, `address` its internal one."""

    name: str
    kernel: str
    os_image: str
    architecture: str
    runtime: str
    kubelet: str
    kube_proxy: str
    address: str
    ready: bool


@dataclass(frozen=True, slots=True)
class Cluster:
    """A cluster that answers; `version` is the API server's (`v1.34.4`), `kubectl_version` kubectl's own."""

    api: ApiClient
    objects: Objects
    kubectl: Kubectl
    context: Context
    version: str
    kubectl_version: str
    timeouts: Timeouts
    _folder: OwnedFolder

    async def nodes(self) -> tuple[Node, ...]:
        """The cluster's nodes, by name."""
        return tuple(sorted((_node(one) for one in await self.objects.list("v1", "Node")), key=lambda node: node.name))

    async def close(self) -> None:
        """Forget the credentials; nothing in the cluster is touched."""
        await asyncio.to_thread(self.api.rest_client.pool_manager.clear)
        await asyncio.to_thread(self._folder.remove)


async def connect(
    kubeconfig: str | Sequence[Path] | None,
    context: str,
    timeouts: Timeouts,
    *,
    kubectl: str = "kubectl",
    allow: Set[str] = frozenset(),
) -> Cluster:
    """Connect to the cluster of a context, which must be named: the current one is never used.

    `kubeconfig` is a path list as in $KUBECONFIG; `allow` may hold "production". Raises UsageError for
    a context that does not exist or is marked production, TargetError for everything that prevents a connection.
    """
    files = config.paths(kubeconfig)
    chosen = config.read(files, context)
    if chosen.production and ALLOW_PRODUCTION not in allow:
        raise _production(context, f"its name {chosen.production!r} says so")
    binary, kubectl_version = await find(kubectl, timeouts.kube_command)
    command = Kubectl(binary, files, context)
    folder = await asyncio.to_thread(OwnedFolder.make, "meshproof-")
    try:
        # kubectl first: it runs a credential plugin as a child that can be ended, and quotes the plugin's errors.
        what = f"reaching {chosen.server}"
        try:
            answer = await command.json("version", "-o", "json", timeout=timeouts.kube_command, what=what)
        except TargetError as error:
            raise obstacle(error, chosen, command.shown) from None
        version = str((answer.get("serverVersion") or {}).get("gitVersion", "")) if isinstance(answer, dict) else ""
        if not version:
            look = f"look: {command.shown('cluster-info')}"
            raise TargetError(f"context {context}: {chosen.server} does not answer as an API server does", look)
        try:
            async with asyncio.timeout(timeouts.kube_command):
                api = await asyncio.to_thread(config.client, files, chosen, folder.path)
        except TimeoutError:
            look = f"look: {command.shown('auth', 'can-i', '--list')}"
            raise TargetError(f"context {context}: no credentials within {timeouts.kube_command:g} s", look) from None
        objects = Objects(api, timeouts.kube_answer, command.shown)
        system = await _system(objects, chosen, command)
        if ALLOW_PRODUCTION not in allow and _marked(system):
            raise _production(context, f"kube-system carries {ownership.PRODUCTION}")
        return Cluster(api, objects, command, chosen, version, kubectl_version, timeouts, folder)
    except BaseException:
        await asyncio.to_thread(folder.remove)
        raise


async def _system(objects: Objects, context: Context, command: Kubectl) -> Json:
    """kube-system, which every cluster has: the first request that needs valid credentials."""
    try:
        return await objects.get("v1", "Namespace", "kube-system") or {}
    except RefusedError as error:
        if error.status != 401:
            raise
        hint = expiry(context) or "log in again, or renew what the kubeconfig holds"
        detail = "\n".join((error.words, hint, f"look: {command.shown('config', 'view', '--minify')}"))
        raise TargetError(f"context {context.name}: {error.message}", detail) from None


def _marked(namespace: Json) -> bool:
    metadata = namespace.get("metadata") or {}
    carried = {**(metadata.get("annotations") or {}), **(metadata.get("labels") or {})}
    return str(carried.get(ownership.PRODUCTION, "false")).lower() not in ("false", "no", "0")


def _production(context: str, why: str) -> UsageError:
    return UsageError(
        f"context {context} is a production cluster: {why}; to use it all the same say --allow {ALLOW_PRODUCTION}"
    )


def _node(body: Json) -> Node:
    status = body.get("status") or {}
    info = status.get("nodeInfo") or {}
    conditions = {one.get("type"): one.get("status") for one in status.get("conditions") or ()}
    addresses = {one.get("type"): one.get("address", "") for one in status.get("addresses") or ()}
    return Node(
        name=body["metadata"]["name"],
        kernel=info.get("kernelVersion", ""),
        os_image=info.get("osImage", ""),
        architecture=info.get("architecture", ""),
        runtime=info.get("containerRuntimeVersion", ""),
        kubelet=info.get("kubeletVersion", ""),
        kube_proxy=info.get("kubeProxyVersion", ""),
        address=addresses.get("InternalIP", ""),
        ready=conditions.get("Ready") == "True",
    )
