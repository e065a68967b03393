"""What the meshes of a run that follow one another in one namespace share: its clients, and its control channels."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import field
from pathlib import Path
from typing import Any

from meshproof.border.timeouts import Timeouts
from meshproof.errors import TargetError
from meshproof.process import RunLock
from meshproof.records import dataclass
from meshproof.targets.cluster import client_pod
from meshproof.targets.cluster.gateways import Gateways
from meshproof.targets.cluster.workload import REPLACED, WORKLOAD
from meshproof.targets.istio.istioctl import Istioctl
from meshproof.targets.istio.proxy.relayed import RelayedSidecar, relayed
from meshproof.targets.istio.proxy.sidecar import Sidecar
from meshproof.targets.kube import pods, wait
from meshproof.targets.kube.api.connection import Cluster
from meshproof.targets.kube.apply import ObjectsInForce
from meshproof.targets.kube.concurrent import gather_all
from meshproof.targets.kube.wanted import Wanted
from meshproof.workload.probe import Probe

Json = Mapping[str, Any]


@dataclass(slots=True)
class SharedNamespace:
    """One namespace that one mesh after another uses; what did not change stays from one to the next.

    `probed` says whether Deployments get the probe workload, `applying` whether anything of the manifests
    is applied at all; `image` is the one of the client, and of the workloads when they are probed. `lock` is held
    by the process that uses the gateways, where the run has several processes. `wanted_clients` is how many clients
    there have to be, `clients` those that are, by pod. `bypassed` are the addresses that
    the clients' connections reach without their sidecars. `ejected` and `limited` say whether proxies may still eject
    hosts or limit connections by a DestinationRule of an earlier mesh.
    """

    cluster: Cluster
    namespace: str
    in_force: ObjectsInForce
    gateways: Gateways
    istioctl: Istioctl | None
    image: str
    folder: Path
    timeouts: Timeouts
    probed: bool = True
    applying: bool = True
    lock: RunLock | None = None
    revision: int = 0
    wanted_clients: int = 1
    clients: dict[str, RelayedSidecar] = field(default_factory=dict)
    probes: dict[str, Probe] = field(default_factory=dict)
    bypassed: tuple[str, ...] = ()
    markers: tuple[Wanted, ...] = ()
    ejected: bool = False
    limited: bool = False
    _logs: int = 0
    _opening: dict[str, asyncio.Task[None]] = field(default_factory=dict)

    @property
    def self_identifying(self) -> bool:
        """Whether the workloads' own answers name the pod that gave them."""
        return self.probed and self.applying

    def log(self, name: str) -> Path:
        """A new file for a child's standard error."""
        self._logs += 1
        return self.folder / f"{name}-{self._logs}.log"

    async def wait_ready(self, client: Callable[[], None]) -> Sequence[Json]:
        """Wait until everything runs as it is specified, with a channel to each pod; the ready pods.

        `client` is called as soon as the clients' pods are those that stay and their proxies answer.
        """
        try:
            ready = await wait.available(
                self.cluster, self.namespace, on_ready=lambda some: self._open_channels(some, client)
            )
            await self._complete_channels(ready, client)
        finally:
            opening, self._opening = list(self._opening.values()), {}
            for task in opening:
                task.cancel()
            await asyncio.gather(*opening, return_exceptions=True)
        return ready

    def _open_channels(self, ready: Sequence[Json], client: Callable[[], None]) -> None:
        """Begin to open a channel to each of these pods that has none yet."""
        clients = [str(pod["metadata"]["name"]) for pod in ready if _is_client(pod)]
        for pod in ready:
            name = str(pod["metadata"]["name"])
            if name in self._opening:
                continue
            if _is_client(pod):
                self._opening[name] = asyncio.ensure_future(self._open_client(name, clients, client))
            elif _annotated(pod, REPLACED) and name not in self.probes:
                self._opening[name] = asyncio.ensure_future(self._open_probe(pod))

    async def _complete_channels(self, ready: Sequence[Json], client: Callable[[], None]) -> None:
        """Have a control channel to every pod that takes commands, and to the client's proxy; close those to others."""
        wanted = {str(pod["metadata"]["name"]) for pod in ready if _annotated(pod, REPLACED)}
        if not any(_is_client(pod) for pod in ready):
            raise TargetError(f"namespace {self.namespace}: the client's pod is gone")
        self._open_channels(ready, client)
        await gather_all([_ended(task) for task in self._opening.values()])
        await gather_all([self.probes.pop(name).stop() for name in list(self.probes) if name not in wanted])

    async def _open_client(self, name: str, there: Collection[str], client: Callable[[], None]) -> None:
        for gone in set(self.clients) - set(there):
            # While one is closed, another client's pod may come and find the same gone.
            if (former := self.clients.pop(gone, None)) is not None:
                await former.close()
        if name not in self.clients:
            kubectl = self.cluster.kubectl.within(self.namespace)
            sidecar = Sidecar(kubectl, name, self.timeouts)
            opened = await relayed(sidecar, self.command(name), self.log("relay"), self.timeouts)
            self.clients = dict(sorted([*self.clients.items(), (name, opened)]))
        if len(self.clients) >= self.wanted_clients:
            client()

    def command(self, pod: str) -> tuple[str, ...]:
        """What is put before a command line to run it in the client's pod."""
        return self.cluster.kubectl.within(self.namespace).exec_argv(pod, client_pod.CONTAINER)

    async def _open_probe(self, pod: Json) -> None:
        name = str(pod["metadata"]["name"])
        container = _own_container(pod)
        kubectl = self.cluster.kubectl.within(self.namespace)
        prefix = kubectl.exec_argv(name, container)
        workload = _annotated(pod, WORKLOAD)
        self.probes[name] = await Probe.attach(name, workload, prefix, self.log(name), self.timeouts)

    async def restarted(self) -> TargetError | None:
        """What is wrong with the pods that this run uses, if any has ended or its container was started again."""
        listed = await self.cluster.objects.list("v1", "Pod", self.namespace)
        there = {str(pod["metadata"]["name"]): pod for pod in listed}
        used = [*self.probes, *self.clients]
        for name in used:
            pod = there.get(name)
            if pod is None:
                return TargetError(f"pod {name} of namespace {self.namespace} is gone")
            if not pods.ready(pod):
                account = await pods.account(self.cluster, self.namespace, [pod])
                return TargetError(f"pod {name} of namespace {self.namespace} is not ready any more", account)
        return None

    async def close(self) -> None:
        """Close every channel; the objects in the namespace stay until it is deleted."""
        ends = [probe.stop() for probe in self.probes.values()]
        ends += [client.close() for client in self.clients.values()]
        await asyncio.gather(*ends, self.gateways.close(), return_exceptions=True)
        self.probes.clear()
        self.clients.clear()


async def _ended(task: asyncio.Task[None]) -> None:
    await task


def _is_client(pod: Json) -> bool:
    return bool(pod["metadata"]["labels"].get("app") == client_pod.NAME)


def _annotated(pod: Json, name: str) -> str:
    return str((pod["metadata"].get("annotations") or {}).get(name, ""))


def _own_container(pod: Json) -> str:
    return next(str(one["name"]) for one in pod["spec"]["containers"] if one["name"] != "istio-proxy")
