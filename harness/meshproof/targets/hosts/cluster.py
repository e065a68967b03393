"""The hosts' cluster: hosts are inspected over SSH, and load is driven through the cluster."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from meshproof.border.facts.hosts import HostsFacts
from meshproof.border.request import Request
from meshproof.border.timeouts import Timeouts
from meshproof.errors import TargetError, UsageError
from meshproof.inspection import Inspection
from meshproof.process import OwnedFolder
from meshproof.targets.base import LiveMesh, Target
from meshproof.targets.cluster.existing import ClusterTarget
from meshproof.targets.cluster.mesh.mesh import KubeMesh
from meshproof.targets.cluster.settings import REMOTE_TIMEOUTS, KubeSettings
from meshproof.targets.hosts.api_server import access
from meshproof.targets.hosts.connection import Connection
from meshproof.targets.hosts.redaction import HostRedaction
from meshproof.targets.hosts.target import FEATURE, HostsTarget
from meshproof.targets.kube.api.connection import Cluster, connect

# The copied kubeconfig is deleted with this process, so commands that run after its end run on the host.
KUBECTL = """k=$(command -v kubectl || command -v k3s || echo /var/lib/rancher/rke2/bin/kubectl)
case $k in *k3s) k="$k kubectl";; esac
export KUBERC=off KUBECTL_KUBERC=false
exec $k --kubeconfig {} --context {} {}"""
Facts = TypeVar("Facts")


def hosts_target(path: Path, settings: KubeSettings, selected: Iterable[Any], *, names: bool = False) -> Target:
    """The hosts with their cluster; hosts alone where only inspections of hosts are selected."""
    chosen = list(selected)
    if chosen and all(isinstance(one, Inspection) and FEATURE in one.features for one in chosen):
        return HostsTarget(path, names=names)
    return HostsClusterTarget(HostsTarget(path, names=names), settings)


class HostsClusterTarget(ClusterTarget):
    """An inventory's hosts and the cluster on them, reached with what the first control-plane host keeps for root."""

    name = "hosts"

    def __init__(self, hosts: HostsTarget, settings: KubeSettings, timeouts: Timeouts = REMOTE_TIMEOUTS) -> None:
        super().__init__(settings, timeouts)
        self.hosts = hosts
        self._control: Connection | None = None
        self._context = ""

    @property
    def features(self) -> frozenset[str]:
        return super().features | {FEATURE}

    def preflight(self) -> None:
        """Refuse incomplete or contradicting options before any host is connected to."""
        if self.settings.kubeconfig:
            raise UsageError(
                "--kubeconfig is for --target cluster: the control-plane host has its own, where the inventory says"
            )
        self.no_kind()
        self.hosts.preflight()
        self.hosts.control_plane()
        self.complete()

    def redacted(self, text: str) -> str:
        return self.hosts.redacted(text)

    async def reach(self, folder: OwnedFolder) -> Cluster:
        await self.hosts.up()
        self._control = control = self.hosts.connected(self.hosts.control_plane())
        inventory = self.hosts.inventory
        found = await access(
            control, inventory.kubeconfig, self.settings.context, folder.path, way=inventory.api_server
        )
        self._context, self.surroundings = found.context, found.surroundings
        try:
            cluster = await connect([found.kubeconfig], found.context, self.timeouts, allow=self.settings.allow)
        except TargetError as error:
            raise TargetError(error.message, f"{error.detail}\n{_way(found.through)}".strip()) from None
        await _redact_nodes(cluster, self.hosts)
        return cluster

    def cleanup_commands(self, cluster: Cluster) -> list[list[str]]:  # noqa: ARG002
        assert self._control is not None
        path, context = shlex.quote(self.hosts.inventory.kubeconfig), shlex.quote(self._context)
        lines = [KUBECTL.format(path, context, shlex.join(one)) for one in self.kubectl_deletions()]
        return [self._control.by_itself(line, root=True) for line in lines]

    async def facts(self, kind: type[Facts]) -> Facts:
        """HostsFacts and InstallFacts, as they are now."""
        return await (self.hosts.facts(kind) if kind is HostsFacts else super().facts(kind))

    def mesh(
        self,
        name: str,
        requests: Sequence[Request] = (),
        namespace: str = "",
        labels: Mapping[str, str] | None = None,
        workers: int = 0,
    ) -> LiveMesh:
        made = super().mesh(name, requests, namespace, labels, workers)
        assert isinstance(made, KubeMesh)
        return RedactedMesh(made.name, made.shared, made.workers, redaction=self.hosts.redaction)

    async def disconnect(self, cluster: Cluster | None) -> None:  # noqa: ARG002
        self._control = None
        await self.hosts.down()


class RedactedMesh(KubeMesh):
    """Redacts names and addresses of hosts in saved files too."""

    def __init__(self, *shared: Any, redaction: HostRedaction) -> None:
        super().__init__(*shared)
        self._redaction = redaction

    async def save_state(self, folder: Path) -> None:
        await super().save_state(folder)
        await asyncio.to_thread(self._redact_files, folder / self.name)

    def _redact_files(self, folder: Path) -> None:
        for path in folder.iterdir():
            path.write_text(self._redaction(path.read_text()))


async def _redact_nodes(cluster: Cluster, hosts: HostsTarget) -> None:
    """Redact the cluster's own names and addresses of its nodes, which the inventory may not have."""
    labels = {word: host.label for host in hosts.inventory.hosts for word in (host.name, host.address)}
    for number, node in enumerate(await cluster.nodes(), 1):
        label = labels.get(node.address) or labels.get(node.name) or f"node-{number}"
        hosts.redaction.learn(label, node.name, node.address)


def _way(through: str) -> str:
    if not through:
        return "where it is not reached from here, `apiServer: ssh` in the inventory goes through the SSH connection"
    return f"it is reached through the SSH connection: the host's sshd must allow that, and {through} answer there"
