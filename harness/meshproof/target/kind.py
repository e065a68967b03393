"""A Kubernetes of this machine alone, made with kind through pytest-kubernetes' manager."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from meshproof.border.timeouts import Timeouts
from meshproof.errors import TargetError, UsageError
from meshproof.mesh.model import ROOT_NAMESPACE
from meshproof.process import FileLock, LastWill, OwnedFolder, call, run
from meshproof.target.image import Engine, engine
from meshproof.target.istio.install import Plan
from meshproof.target.kind_config import INGRESS, KindConfig, config, local_ports
from meshproof.target.kind_manager import KindManager
from meshproof.target.kind_survey import kind_path, kind_version, meaning, survey
from meshproof.target.kube.connection import Cluster, connect
from meshproof.target.kube_settings import FAR, KubeSettings
from meshproof.target.kube_target import SECRETS, KubeTarget
from meshproof.target.ports import check_free

SERVICE = "meshproof-ingress"
XDIST = "PYTEST_XDIST_TESTRUNUID"


class KindTarget(KubeTarget):
    """A cluster for this run, or for all workers of a run; one that is kept is found again by its name."""

    name = "kind"

    def __init__(self, settings: KubeSettings, timeouts: Timeouts = FAR) -> None:
        super().__init__(settings, timeouts)
        self.outside = (SECRETS,)
        self._kind = ""
        self._engine: Engine | None = None
        self._ports: dict[int, int] = {}
        self._manager: KindManager | None = None
        self._cluster_will: LastWill | None = None
        # Whoever makes the cluster does so alone; whoever uses it does so together with others.
        self._made_by = Path()
        self._making: FileLock | None = None
        self._using: FileLock | None = None
        self._command: asyncio.Task[str] | None = None

    @property
    def kept(self) -> bool:
        """Whether the cluster outlives the run: asked for, or found and not made by it."""
        return self.settings.keep or not (self._made_by.is_file() and self._made_by.read_text() == self._whole_run)

    @property
    def _whole_run(self) -> str:
        """What all workers of a run know themselves by."""
        return os.environ.get(XDIST, "") or self.run

    @property
    def keeps_namespace(self) -> bool:
        """What a run put into a cluster that is kept goes all the same."""
        return False

    def doomed(self) -> bool:
        """Whether the cluster itself goes: nobody else uses it."""
        if self.kept or self._making is None or self._using is None:
            return False
        return self._making.try_alone() and self._using.try_alone()

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
        config(said, self.cluster_name(), local_ports(said.ports))
        self._kind, self._engine = kind_path(), engine()
        if shutil.which("kubectl") is None:
            hint = "install it as https://kubernetes.io/docs/tasks/tools/ says"
            raise TargetError("kubectl is not on PATH: kubectl is needed for clusters", hint)
        check_free(said.ports)

    async def reach(self, folder: OwnedFolder) -> Cluster:
        """Find the cluster or make it, one process at a time."""
        assert self._engine is not None, "preflight() comes first"
        name = self.cluster_name()
        self.versions["kind"] = await kind_version(self._kind, self.timeouts)
        await survey(self._engine, self.timeouts)
        lock = f"{tempfile.gettempdir()}/meshproof-kind-{os.getuid()}-{name}"
        self._making, self._using = FileLock(Path(f"{lock}.making")), FileLock(Path(f"{lock}.using"))
        self._made_by = Path(f"{lock}.made")
        await self._making.alone(self.timeouts.kind_created, f"waiting for kind cluster {name}")
        self._using.together()
        chosen = config(self.settings, name, local_ports(self.settings.ports))
        kubeconfig = folder.path / "kubeconfig"
        kubectl = shutil.which("kubectl") or "kubectl"
        path = chosen.write(folder.path)
        limit = self.timeouts.kind_created
        self._manager = manager = KindManager(name, path, kubeconfig, kubectl, self._run_in(), limit)
        if name in (await self._ask("get", "clusters", what="listing the kind clusters")).split():
            await self._ask("export", "kubeconfig", "--name", name, "--kubeconfig", str(kubeconfig), what="reaching it")
        else:
            await self._create(manager, chosen)
        self._ports = await self._published(name)
        return await connect([kubeconfig], f"kind-{name}", self.timeouts, allow=self.settings.allow)

    async def _create(self, manager: KindManager, chosen: KindConfig) -> None:
        # Noted first: what is made half-way is this run's too.
        await asyncio.to_thread(self._made_by.write_text, self._whole_run)
        if not self.kept:
            self._testify(chosen.name)
        try:
            await self._threaded(lambda: manager.create_as(chosen.image, self.timeouts.kind_created))
        except TargetError as error:
            raise meaning(error) from None

    def _testify(self, name: str) -> None:
        lock = str(self._using.path) if self._using else ""
        self._cluster_will = LastWill([[self._kind, "delete", "cluster", "--name", name]], lock)

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
        manager = self._manager
        await self._threaded(lambda: manager.load_image(reference))
        return reference

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

    async def gone(self, cluster: Cluster | None) -> None:  # noqa: ARG002
        """Delete the cluster, unless it is kept or somebody else uses it."""
        manager = self._manager
        try:
            if manager is not None and self.doomed():
                await self._threaded(manager.delete)
                await asyncio.to_thread(self._made_by.unlink, missing_ok=True)
            if self._cluster_will is not None:
                await asyncio.to_thread(self._cluster_will.revoke)
        finally:
            for lock in (self._using, self._making):
                if lock is not None:
                    lock.release()
            self._using = self._making = self._manager = self._cluster_will = None

    async def _ask(self, *arguments: str, what: str) -> str:
        return await run([self._kind, *arguments], limit=self.timeouts.kind_answer, what=what)

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
