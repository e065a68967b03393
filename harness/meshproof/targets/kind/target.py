"""A Kubernetes on this machine, made with kind through pytest-kubernetes' manager."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
from collections.abc import Mapping

from meshproof.border.timeouts import Timeouts
from meshproof.errors import TargetError, UsageError
from meshproof.process import CleanupOnDeath, OwnedFolder, RunLock, Share, run_directory
from meshproof.targets.cluster.gateway_lock import XDIST
from meshproof.targets.cluster.settings import REMOTE_TIMEOUTS, KubeSettings
from meshproof.targets.cluster.target import SECRETS, KubeTarget
from meshproof.targets.istio.installation.plan import Plan
from meshproof.targets.kind.commands import ThreadedCommands, ask
from meshproof.targets.kind.config import config, ingress_service, local_ports
from meshproof.targets.kind.manager import KindManager
from meshproof.targets.kind.node import container_id, load_image, published_ports
from meshproof.targets.kind.requirements import kind_path, kind_version, survey
from meshproof.targets.kube.api.connection import Cluster, connect
from meshproof.targets.ports import check_free
from meshproof.targets.probe_image.image import Engine, engine

# The shared text of a cluster that is to be deleted; once it is complete, the text is the id of its first node.
HALF_MADE = "half made"


class KindTarget(KubeTarget):
    """A cluster for this run, or for all workers of a run; one that is kept is found again by its name."""

    name = "kind"

    def __init__(self, settings: KubeSettings, timeouts: Timeouts = REMOTE_TIMEOUTS) -> None:
        super().__init__(settings, timeouts)
        self.outside = (SECRETS,)
        self._kind = ""
        self._engine: Engine | None = None
        self._ports: dict[int, int] = {}
        self._manager: KindManager | None = None
        self._commands = ThreadedCommands()
        self._cluster_cleanup: CleanupOnDeath | None = None
        # One process at a time makes the cluster and fills it; the last one that uses it deletes it.
        self._making: RunLock | None = None
        self._share: Share | None = None

    @property
    def _whole_run(self) -> str:
        """An id that all workers of a run share."""
        return os.environ.get(XDIST, "") or self.run

    @property
    def keeps_namespace(self) -> bool:
        """A cluster may be kept, and the run's namespaces in it are deleted all the same."""
        return False

    def deletes_cluster(self) -> bool:
        """Whether the cluster itself is deleted: nobody else uses it, or its last user deletes it already."""
        share = self._share
        return share is not None and bool(share.text) and (share.last() or not share.rejoin())

    def cluster_name(self) -> str:
        """The name given, the one of kept clusters of that kind, the one that a run's workers share, or a new one."""
        said = self.settings
        if said.cluster:
            return said.cluster
        if said.keep:
            words = (said.kube_proxy or "iptables", said.kubernetes or "", f"{said.nodes or 0}w")
            return "-".join(["meshproof", *(word.rpartition(":")[2].replace(".", "-") for word in words if word)])
        return f"meshproof-{self._whole_run[:8]}"

    def preflight(self) -> None:
        """Look for the programs and ports."""
        said = self.settings
        if said.context or said.kubeconfig:
            raise UsageError("--context and --kubeconfig are for --target cluster: kind makes a cluster of its own")
        name = self.cluster_name()
        if not re.fullmatch(r"[a-z0-9.-]+", name):
            raise UsageError(f"--cluster {name}: a kind cluster's name is made of a-z, 0-9, . and -")
        config(said, name, local_ports(said.ports))
        self._kind, self._engine = kind_path(), engine()
        if shutil.which("kubectl") is None:
            hint = "install it as https://kubernetes.io/docs/tasks/tools/ says"
            raise TargetError("kubectl is not on PATH: kubectl is needed for clusters", hint)

    async def reach(self, folder: OwnedFolder) -> Cluster:
        """Find the cluster or make it, one process at a time."""
        assert self._engine is not None, "preflight() comes first"
        name, limit = self.cluster_name(), self.timeouts.kind_answer
        self.versions["kind"] = await kind_version(self._kind, self.timeouts)
        await survey(self._engine, self.timeouts)
        kubeconfig = folder.path / "kubeconfig"
        chosen = config(self.settings, name, local_ports(self.settings.ports))
        path, kubectl = chosen.write(folder.path), shutil.which("kubectl") or "kubectl"

        runner = self._commands.runner()
        self._manager = made = KindManager(name, path, kubeconfig, kubectl, runner, self.timeouts)
        share = await self._join(name)
        listed = await ask(self._kind, "get", "clusters", limit=limit, what="listing the kind clusters")
        there = name in listed.split()
        if there and share.text == HALF_MADE:
            # Its maker could not remove it, and somebody may have made another one of that name since.
            self._manager = None
            how = f"remove it with kind delete cluster --name {name}; if it is complete and yours, with rm {share.path}"
            raise TargetError(f"kind cluster {name} was left half made", f"look: kind get clusters; {how}")
        if there:
            what = f"reaching kind cluster {name}"
            options = ("--name", name, "--kubeconfig", str(kubeconfig))
            await ask(self._kind, "export", "kubeconfig", *options, limit=limit, what=what)
            if not kubeconfig.is_file():
                raise TargetError(f"{what}: kind has written no kubeconfig", "look: kind get clusters")
            if share.text and share.text != await container_id(self._engine, name, self.timeouts):
                # The text is about an earlier cluster of that name, which has been deleted.
                share.text = ""
        else:
            check_free(self.settings.ports)
            # Noted first: a cluster whose creation fails half-way is deleted, even one that was to be kept.
            share.text = HALF_MADE
            await self._commands.do(lambda: made.create_as(chosen.image))
            share.text = await container_id(self._engine, name, self.timeouts)
        if self.settings.keep:
            share.text = ""
        # An earlier run may have made the cluster, and chosen its ports.
        self._ports = await published_ports(self._engine, name, self.timeouts)
        for port, local in self.settings.ports.items():
            if (mapped := self._ports.get(port)) != local:
                instead = f"to {mapped}" if mapped else "to none"
                raise UsageError(f"--port {port}={local}: kind cluster {name} is there and maps {port} {instead}")
        return await connect([kubeconfig], f"kind-{name}", self.timeouts, allow=self.settings.allow)

    async def _is_still(self, name: str, made: str) -> bool:
        """Whether the cluster of that name is the one that was made, not one that somebody has made since."""
        if made == HALF_MADE or self._engine is None:
            return True
        try:
            return made == await container_id(self._engine, name, self.timeouts)
        except TargetError:
            # Nobody's node is there, or nobody can know: what this run made must not be left.
            return True

    async def _join(self, name: str) -> Share:
        """Be one of the cluster's users, and hold the lock on making and filling it until ingress()."""
        folder, limit = run_directory(), self.timeouts.kind_filled
        what = f"waiting for kind cluster {name}, which another process makes, fills or deletes"
        self._making, self._share = RunLock(folder / f"kind-{name}.making"), Share(folder / f"kind-{name}.users")
        try:
            await self._making.acquire(limit, what)
            await self._share.join(limit, what)
        except TargetError as error:
            raise TargetError(error.message, f"look: kind get clusters; lsof {folder}/kind-{name}.*") from None
        command = [self._kind, "delete", "cluster", "--name", name]
        self._cluster_cleanup = CleanupOnDeath([command], self._share, keep_open=[self._making.descriptor])
        return self._share

    async def image(self, cluster: Cluster) -> str:  # noqa: ARG002
        """Build it, or take the one that is named, and load it into the nodes."""
        assert self._engine is not None
        assert self._manager is not None
        reference = self.settings.image or await self._engine.build(self.timeouts)
        await load_image(reference, self._engine, self._manager, self._commands, self.timeouts)
        return reference

    async def ingress(self, cluster: Cluster) -> None:
        """Apply the Service that the mapped ports lead to; from then on other processes may use the cluster too."""
        await cluster.objects.apply(ingress_service())
        if self._making is not None:
            self._making.release()

    def mapped(self) -> Mapping[int, int]:
        return self._ports

    def plan(self) -> Plan:
        return self.settings.plan(skip=self.settings.skip_install)

    async def disconnect(self, cluster: Cluster | None) -> None:  # noqa: ARG002
        """Delete the cluster, unless it is to be kept or somebody else uses it."""
        share, manager = self._share, self._manager
        cleanup, self._cluster_cleanup = self._cluster_cleanup, None
        try:
            if share is not None and share.last() and share.text and manager is not None:
                if await self._is_still(str(manager.cluster_name), share.text):
                    await self._commands.do(manager.delete)
                share.text = ""
        except BaseException:
            # The cleanup process, which outlives this one, tries once more.
            if cleanup is not None:
                cleanup.release()
            raise
        else:
            if cleanup is not None:
                await asyncio.to_thread(cleanup.revoke)
        finally:
            if share is not None:
                share.leave()
            if self._making is not None:
                self._making.release()
            self._share = self._making = self._manager = None
