"""What the meshes of a run share in a cluster: its namespace, its client, its pods' control channels."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from meshproof.border.timeouts import Timeouts
from meshproof.errors import TargetError
from meshproof.target import kube_client
from meshproof.target.istio.istioctl import Istioctl
from meshproof.target.istio.relayed import RelayedSidecar, relayed
from meshproof.target.istio.sidecar import Sidecar
from meshproof.target.kube import pods
from meshproof.target.kube.apply import Slate
from meshproof.target.kube.connection import Cluster
from meshproof.target.kube_gateways import Gateways
from meshproof.target.kube_workload import REPLACED, WORKLOAD
from meshproof.workload.probe import Probe

Json = Mapping[str, Any]


@dataclass(slots=True)
class Place:
    """One namespace, in which one mesh stands after another; what did not change stays from one to the next.

    `probed` is whether Deployments get the probe workload, `applying` whether anything of the manifests
    is applied at all; `image` is the one of the client, and of the workloads when they are probed.
    """

    cluster: Cluster
    namespace: str
    slate: Slate
    gateways: Gateways
    istioctl: Istioctl | None
    image: str
    folder: Path
    timeouts: Timeouts
    probed: bool = True
    applying: bool = True
    revision: int = 0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    client: RelayedSidecar | None = None
    probes: dict[str, Probe] = field(default_factory=dict)
    beside: tuple[str, ...] = ()
    _logs: int = 0

    @property
    def talks(self) -> bool:
        """Whether the workloads say themselves who they are."""
        return self.probed and self.applying

    def log(self, name: str) -> Path:
        """A file of its own for what a child says last."""
        self._logs += 1
        return self.folder / f"{name}-{self._logs}.log"

    async def attach(self, ready: Sequence[Json]) -> None:
        """Have a control channel to every pod that takes commands, and to the client's proxy; end those to others."""
        wanted = {str(pod["metadata"]["name"]): pod for pod in ready if _annotated(pod, REPLACED)}
        for name in [name for name in self.probes if name not in wanted]:
            await self.probes.pop(name).stop()
        try:
            async with asyncio.TaskGroup() as group:
                for name, pod in wanted.items():
                    if name not in self.probes:
                        group.create_task(self._probe(pod))
        except* TargetError as errors:
            raise errors.exceptions[0] from None
        client = next((pod for pod in ready if pod["metadata"]["labels"].get("app") == kube_client.NAME), None)
        if client is None:
            raise TargetError(f"namespace {self.namespace}: the client's pod is gone")
        name = str(client["metadata"]["name"])
        if self.client is None or self.client.pod != name:
            if self.client is not None:
                await self.client.close()
            kubectl = self.cluster.kubectl.within(self.namespace)
            sidecar = Sidecar(kubectl, name, self.timeouts)
            self.client = await relayed(sidecar, self.command(name), self.log("relay"), self.timeouts)

    def command(self, pod: str) -> tuple[str, ...]:
        """What is put before a command line to run it in the client's pod."""
        return self.cluster.kubectl.within(self.namespace).exec_argv(pod, kube_client.CONTAINER)

    async def _probe(self, pod: Json) -> None:
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
        used = [*self.probes, *([self.client.pod] if self.client else [])]
        for name in used:
            pod = there.get(name)
            if pod is None:
                return TargetError(f"pod {name} of namespace {self.namespace} is gone")
            if not pods.ready(pod):
                account = await pods.account(self.cluster, self.namespace, [pod])
                return TargetError(f"pod {name} of namespace {self.namespace} is not ready any more", account)
        return None

    async def close(self) -> None:
        """End every channel; what stands in the namespace is left to whoever deletes that."""
        ends = [probe.stop() for probe in self.probes.values()]
        ends += [self.client.close()] if self.client is not None else []
        await asyncio.gather(*ends, self.gateways.close(), return_exceptions=True)
        self.probes.clear()
        self.client = None


def _annotated(pod: Json, name: str) -> str:
    return str((pod["metadata"].get("annotations") or {}).get(name, ""))


def _own_container(pod: Json) -> str:
    return next(str(one["name"]) for one in pod["spec"]["containers"] if one["name"] != "istio-proxy")
