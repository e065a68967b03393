"""A Kubernetes of this machine alone, made with kind through pytest-kubernetes' manager."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shutil
from collections.abc import Callable, Mapping, Sequence

from meshproof.border.timeouts import Timeouts
from meshproof.errors import TargetError, UsageError
from meshproof.mesh.model.kubernetes import ROOT_NAMESPACE
from meshproof.process import CleanupOnDeath, OwnedFolder, RunLock, Share, call, run, run_directory
from meshproof.targets.cluster.gateway_lock import XDIST
from meshproof.targets.cluster.settings import REMOTE_TIMEOUTS, KubeSettings
from meshproof.targets.cluster.target import SECRETS, KubeTarget
from meshproof.targets.istio.install import Plan
from meshproof.targets.kind.config import INGRESS, config, local_ports
from meshproof.targets.kind.manager import KindManager
from meshproof.targets.kind.requirements import kind_path, kind_version, meaning, survey
from meshproof.targets.kube.api.connection import Cluster, connect
from meshproof.targets.ports import check_free
from meshproof.targets.probe_image.image import Engine, engine

DOCKER = "docker"
SERVICE = "meshproof-ingress"
# What users tell one another of a cluster that is to go; later it is the id of its first node.
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
        self._cluster_cleanup: CleanupOnDeath | None = None
        # One process at a time makes the cluster and fills it; the last of those that use it deletes it.
        self._making: RunLock | None = None
        self._share: Share | None = None
        self._command: asyncio.Task[str] | None = None

    @property
    def _whole_run(self) -> str:
        """What all workers of a run know themselves by."""
        return os.environ.get(XDIST, "") or self.run

    @property
    def keeps_namespace(self) -> bool:
        """What a run put into a cluster that is kept goes all the same."""
        return False

    def deletes_cluster(self) -> bool:
        """Whether the cluster itself goes: nobody else uses it, or the last one deletes it already."""
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
        name = self.cluster_name()
        self.versions["kind"] = await kind_version(self._kind, self.timeouts)
        await survey(self._engine, self.timeouts)
        kubeconfig = folder.path / "kubeconfig"
        chosen = config(self.settings, name, local_ports(self.settings.ports))
        path, kubectl = chosen.write(folder.path), shutil.which("kubectl") or "kubectl"

        self._manager = made = KindManager(name, path, kubeconfig, kubectl, self._run_in(), self.timeouts)
        share = await self._join(name)
        there = name in (await self._ask("get", "clusters", what="listing the kind clusters")).split()
        if there and share.text == HALF_MADE:
            # Whoever made it could not remove it, and somebody may have made another one since.
            self._manager = None
            how = f"remove it with kind delete cluster --name {name}; if it is complete and yours, with rm {share.path}"
            raise TargetError(f"kind cluster {name} was left half made", f"look: kind get clusters; {how}")
        if there:
            what = f"reaching kind cluster {name}"
            await self._ask("export", "kubeconfig", "--name", name, "--kubeconfig", str(kubeconfig), what=what)
            if not kubeconfig.is_file():
                raise TargetError(f"{what}: kind has written no kubeconfig", "look: kind get clusters")
            if share.text and share.text != await self._node(name):
                # Told of one that has been deleted since.
                share.text = ""
        else:
            check_free(self.settings.ports)
            # Noted first: what is made half-way goes, whether it was to be kept or not.
            share.text = HALF_MADE
            await self._threaded(lambda: made.create_as(chosen.image))
            share.text = await self._node(name)
        if self.settings.keep:
            share.text = ""
        self._ports = await self._published(name)
        for port, local in self.settings.ports.items():
            if (mapped := self._ports.get(port)) != local:
                instead = f"to {mapped}" if mapped else "to none"
                raise UsageError(f"--port {port}={local}: kind cluster {name} is there and maps {port} {instead}")
        return await connect([kubeconfig], f"kind-{name}", self.timeouts, allow=self.settings.allow)

    async def _join(self, name: str) -> Share:
        """Be one of the cluster's users, and the only one at work on it until ingress()."""
        place, limit = run_directory(), self.timeouts.kind_filled
        what = f"waiting for kind cluster {name}, which another process makes, fills or deletes"
        self._making, self._share = RunLock(place / f"kind-{name}.making"), Share(place / f"kind-{name}.users")
        try:
            await self._making.acquire(limit, what)
            await self._share.join(limit, what)
        except TargetError as error:
            raise TargetError(error.message, f"look: kind get clusters; lsof {place}/kind-{name}.*") from None
        command = [self._kind, "delete", "cluster", "--name", name]
        self._cluster_cleanup = CleanupOnDeath([command], self._share, keep_open=[self._making.descriptor])
        return self._share

    async def image(self, cluster: Cluster) -> str:  # noqa: ARG002
        """Build it, or take the one that is named, and load it into the nodes."""
        assert self._engine is not None
        assert self._manager is not None
        reference = self.settings.image or await self._engine.build(self.timeouts)
        architecture = await self._engine.architecture(reference, self.timeouts)
        if not architecture:
            # The nodes get it from its registry themselves.
            return reference
        own = await survey(self._engine, self.timeouts)
        if architecture != own:
            raise TargetError(
                f"image {reference} is for {architecture}, the nodes are {own}",
                f"look: {self._engine.name} image inspect {reference}",
            )
        await self._load(self._engine, self._manager, reference)
        return reference

    async def _load(self, engine: Engine, manager: KindManager, reference: str) -> None:
        if engine.name == DOCKER:
            await self._threaded(lambda: manager.load_image(reference))
            return
        # kind asks docker for an image by its name, whatever runs the nodes.
        folder = await asyncio.to_thread(OwnedFolder.make, "meshproof-")
        try:
            archive = folder.path / "image.tar"
            await engine.save(reference, archive, self.timeouts)
            await self._threaded(lambda: manager.load_archive(archive))
        finally:
            await asyncio.to_thread(folder.remove)

    async def ingress(self, cluster: Cluster) -> None:
        """The Service that the mapped ports lead to; then others may use the cluster too."""
        ports = [
            {"name": f"port-{port}", "port": port, "targetPort": {80: 8080, 443: 8443}[port], "nodePort": node}
            for port, node in INGRESS.items()
        ]
        spec = {"type": "NodePort", "selector": {"istio": "ingressgateway"}, "ports": ports}
        metadata = {"name": SERVICE, "namespace": ROOT_NAMESPACE}
        await cluster.objects.apply({"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec})
        if self._making is not None:
            self._making.release()

    def mapped(self) -> Mapping[int, int]:
        return self._ports

    async def _node(self, name: str) -> str:
        """The id of the control plane's container, which is another one for another cluster of that name."""
        assert self._engine is not None
        argv = [self._engine.binary, "inspect", "--format", "{{.Id}}", f"{name}-control-plane"]
        what = f"looking for the node of kind cluster {name}"
        told = (await run(argv, limit=self.timeouts.container_engine, what=what)).strip()
        if not re.fullmatch("[0-9a-f]+", told):
            raise TargetError(f"{what}: the answer is no id", f"{told}\nlook: {self._engine.name} ps --all")
        return told

    async def _published(self, name: str) -> dict[int, int]:
        """The ports of this machine that the cluster has; another run may have chosen them."""
        assert self._engine is not None
        found = {}
        for port, node in INGRESS.items():
            argv = [self._engine.binary, "port", f"{name}-control-plane", f"{node}/tcp"]
            ended = await call(argv, limit=self.timeouts.container_engine, what=f"asking for the port of {name}")
            _, _, local = ended.out.strip().partition("\n")[0].rpartition(":")
            if not ended.code and local.isdecimal():
                found[port] = int(local)
        return found

    def plan(self) -> Plan:
        return self.settings.plan(skip=self.settings.skip_install)

    async def disconnect(self, cluster: Cluster | None) -> None:  # noqa: ARG002
        """Delete the cluster, unless it is to stay or somebody else uses it."""
        share, manager = self._share, self._manager
        cleanup, self._cluster_cleanup = self._cluster_cleanup, None
        try:
            if share is not None and share.last() and share.text and manager is not None:
                await self._threaded(manager.delete)
                share.text = ""
        except BaseException:
            # It is tried once more, by what outlives this process.
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

    async def _ask(self, *arguments: str, what: str) -> str:
        try:
            return await run([self._kind, *arguments], limit=self.timeouts.kind_answer, what=what)
        except TargetError as error:
            raise meaning(error) from None

    def _run_in(self) -> Callable[[Sequence[str], float, str], str]:
        """What runs a command from the manager's thread: on a leash, and ended when this task is cancelled."""
        loop = asyncio.get_running_loop()

        async def begun(argv: Sequence[str], limit: float, what: str) -> str:
            self._command = asyncio.ensure_future(run(argv, limit=limit, what=what))
            return await self._command

        def call(argv: Sequence[str], limit: float, what: str) -> str:
            return asyncio.run_coroutine_threadsafe(begun(argv, limit, what), loop).result()

        return call

    async def _threaded(self, action: Callable[[], None]) -> None:
        """Have the manager do something in a thread; a cancelled wait ends the command that it runs."""
        task = asyncio.ensure_future(asyncio.to_thread(action))
        try:
            await asyncio.shield(task)
        except TargetError as error:
            raise meaning(error) from None
        except asyncio.CancelledError:
            while not task.done():
                # Cancelled once: the command's own end takes a moment, and the thread waits for that.
                if self._command is not None:
                    self._command.cancel()
                    self._command = None
                await asyncio.wait({task}, timeout=0.1)
            with contextlib.suppress(BaseException):
                task.result()
            raise
