"""What the targets kind, cluster and hosts share: Istio, the run's own namespaces, and the meshes in each of them."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar, cast

from meshproof.border.facts.captured import Captured
from meshproof.border.facts.installation import InstallFacts, Specified
from meshproof.border.request import Request
from meshproof.border.timeouts import Timeouts
from meshproof.errors import MeshproofError, TargetError, UsageError
from meshproof.mesh.model.kubernetes import ROOT_NAMESPACE
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.unmodelled import Unmodelled
from meshproof.process import NOTHING, CleanupOnDeath, OwnedFolder
from meshproof.targets.base import LiveMesh
from meshproof.targets.capture.capture import Wanted, capture
from meshproof.targets.cluster.gateway_lock import gateway_lock
from meshproof.targets.cluster.gateways import Gateways
from meshproof.targets.cluster.mesh.mesh import KubeMesh
from meshproof.targets.cluster.mesh.shared import SharedNamespace
from meshproof.targets.cluster.namespaces import RunNamespaces, named
from meshproof.targets.cluster.outside import outside
from meshproof.targets.cluster.settings import GATEWAY_SECRETS, REMOTE_TIMEOUTS, KubeSettings
from meshproof.targets.embedded.target import FEATURES
from meshproof.targets.istio import istioctl
from meshproof.targets.istio.inspection.inspector import Inspector
from meshproof.targets.istio.installation import install
from meshproof.targets.istio.installation.plan import Installed, Plan
from meshproof.targets.istio.istioctl import Istioctl
from meshproof.targets.istio.proxy import injection
from meshproof.targets.kube import ownership
from meshproof.targets.kube.api.connection import Cluster
from meshproof.targets.kube.apply import ObjectsInForce, sweep
from meshproof.targets.kube.namespace import RunNamespace, name_of

SECRETS = ("Secret", ROOT_NAMESPACE)
INSTALLED = "InstalledIstio"
LANES = 4
Facts = TypeVar("Facts")


class KubeTarget:
    """Meshes on Kubernetes; the subclasses say how the cluster is made or reached."""

    name = ""
    local = False

    def __init__(self, settings: KubeSettings, timeouts: Timeouts = REMOTE_TIMEOUTS) -> None:
        self.settings = settings.checked()
        self.timeouts = timeouts
        self.run = secrets.token_hex(4)
        self.namespace = name_of(self.run)
        self.versions: dict[str, str] = {}
        self.outside: tuple[tuple[str, str], ...] = ()
        self.cluster: Cluster | None = None
        self.installed: Installed | None = None
        self._istioctl: Istioctl | None = None
        self._namespaces: RunNamespaces | None = None
        self._cleanup_on_death: CleanupOnDeath | None = None
        self.surroundings = NOTHING
        self._folder: OwnedFolder | None = None
        self._image = ""
        self._made = 0

    @property
    def features(self) -> frozenset[str]:
        probed = self.settings.applying and not self.settings.samples
        lacking = set() if probed else {"ProbeWorkload"}
        lacking |= set() if SECRETS in self.outside else {"GatewayTLS"}
        return (FEATURES | {INSTALLED}) - lacking

    @property
    def lanes(self) -> int:
        return self.settings.lanes or LANES

    @property
    def keeps_namespace(self) -> bool:
        """Whether the run's namespaces outlive the run."""
        return self.settings.keep

    def deletes_cluster(self) -> bool:
        """Whether this run deletes the whole cluster, so that nothing in it need be deleted."""
        return False

    def preflight(self) -> None:
        """Check options and programs before anything is started; raises UsageError and TargetError."""
        raise NotImplementedError

    async def reach(self, folder: OwnedFolder) -> Cluster:
        """A cluster that answers, created if need be; `folder` is removed when this process ends."""
        raise NotImplementedError

    async def image(self, cluster: Cluster) -> str:
        """The reference of the probe image, which the cluster's nodes can pull or have."""
        raise NotImplementedError

    def mapped(self) -> Mapping[int, int]:
        """Ports of this machine that lead to the ingress gateway, by the server's port."""
        return {}

    async def ingress(self, cluster: Cluster) -> None:
        """Called when Istio is ready, before anything is applied."""

    async def disconnect(self, cluster: Cluster | None) -> None:
        """Undo what `reach` did."""

    def plan(self) -> Plan:
        """How Istio is installed, or that it is not."""
        raise NotImplementedError

    def unsupported(self, mesh: Mesh) -> Iterable[Unmodelled]:
        """What stands outside of the cluster; istiod carries out all else."""
        return outside(mesh)

    async def up(self) -> None:
        """Reach the cluster, install Istio if asked to, and create the first of the run's namespaces."""
        self._folder = folder = await asyncio.to_thread(OwnedFolder.make, "meshproof-")
        self.cluster = cluster = await self.reach(folder)
        self.versions["kubernetes"] = cluster.version
        self._istioctl = await self._tool(cluster)
        self.installed = await install.install(
            cluster, self._istioctl, self.plan(), [folder.descriptor], self.surroundings
        )
        self.versions["istio"] = self.installed.version
        self._image = await self.image(cluster)
        await self.ingress(cluster)
        await self._open_namespaces(cluster, folder)

    async def _tool(self, cluster: Cluster) -> Istioctl | None:
        """istioctl; None where it is missing and nothing has to be installed with it."""
        plan = self.plan()
        try:
            found = await istioctl.find(
                self.settings.istioctl, cluster.kubectl.kubeconfig, cluster.kubectl.context, self.timeouts
            )
        except TargetError:
            if plan.skip or plan.manifest:
                return None
            raise
        asked = self.settings.istio_version
        if asked and not plan.skip and not f"{found.version}.".startswith(f"{asked}."):
            raise UsageError(
                f"{found.binary} installs Istio {found.version}, and --istio-version asks for {asked}: "
                "name the istioctl of that release with --istioctl"
            )
        return found

    async def _open_namespaces(self, cluster: Cluster, folder: OwnedFolder) -> None:
        assert self.installed is not None
        wanted = injection.labels(self.installed.revision)
        labels = {name: value for name, value in wanted.items() if value is not None}

        def namespace(name: str) -> RunNamespace:
            return RunNamespace(cluster, name, self.run, labels)

        def shared(name: str) -> SharedNamespace:
            in_force = ObjectsInForce(cluster, name, self.run, self.outside, ("networking.istio.io",))
            gateways = Gateways(cluster, self.timeouts, self.mapped(), self.settings.entry)
            said, tool, own = self.settings, self._istioctl, folder.path
            probed, applying = not said.samples, said.applying
            lock = gateway_lock(cluster.context.server)
            return SharedNamespace(
                cluster, name, in_force, gateways, tool, self._image, own, self.timeouts, probed, applying, lock
            )

        if not self.keeps_namespace:
            self._register_cleanup(cluster, folder)
        self._namespaces = RunNamespaces(namespace, shared)
        await self._namespaces.open(self.namespace)
        sidecar = await injection.prove(cluster.objects, self.namespace, self.timeouts)
        self.versions["proxy"] = sidecar.rpartition("/")[2]

    def _register_cleanup(self, cluster: Cluster, folder: OwnedFolder) -> None:
        # The folder, and with it the kubeconfig, stays until the commands have run.
        self._cleanup_on_death = CleanupOnDeath(self.cleanup_commands(cluster), keep_open=[folder.descriptor])

    def cleanup_commands(self, cluster: Cluster) -> list[list[str]]:
        """Commands that delete everything of this run from the cluster, should this process be killed."""
        kubectl = cluster.kubectl.within("")
        return [kubectl.by_itself(*one) for one in self.kubectl_deletions()]

    def kubectl_deletions(self) -> list[list[str]]:
        """kubectl's arguments in them."""
        options = ("--ignore-not-found", "--wait=false")
        commands = [["delete", "namespace", *named(self.namespace, self.lanes), *options]]
        for kind, namespace in self.outside:
            selected = ("--namespace", namespace, "--selector", ownership.selector(self.run))
            commands.append(["delete", kind.lower(), *selected, *options])
        return commands

    async def lane(self, number: int) -> str:
        namespace = named(self.namespace, self.lanes)[number]
        await self._opened.open(namespace)
        return namespace

    def mesh(
        self,
        name: str,
        requests: Sequence[Request] = (),  # noqa: ARG002
        namespace: str = "",
        labels: Mapping[str, str] | None = None,  # noqa: ARG002
        workers: int = 0,
    ) -> LiveMesh:
        shared = self._opened[namespace or self.namespace]
        self._made += 1
        return KubeMesh(f"{name}-{self._made}", shared, workers)

    @property
    def _opened(self) -> RunNamespaces:
        if self._namespaces is None:
            raise TargetError(f"{self.name}: up() comes first")
        return self._namespaces

    @property
    def is_standing(self) -> bool:
        """Whether what runs is left as it is."""
        return not self.settings.applying

    async def running(self, namespaces: Iterable[str]) -> Captured:
        """What runs, without credentials, the workloads of those of these namespaces that there are among it."""
        if self.cluster is None or self.installed is None:
            raise TargetError(f"{self.name}: up() comes first")
        there = [one for one in namespaces if await self.cluster.objects.get("v1", "Namespace", one)]
        wanted = Wanted(tuple(there) or (ROOT_NAMESPACE,), dumps=False, revision=self.installed.revision)
        found = await capture(self.cluster, wanted)
        own = {f"Namespace/{one}" for one in named(self.namespace, self.lanes)}
        return replace(found, documents=tuple(one for one in found.documents if one.name not in own))

    async def facts(self, kind: type[Facts]) -> Facts:
        """InstallFacts, as they are now."""
        if kind is not InstallFacts or self.cluster is None:
            raise TargetError(f"the {self.name} target has no facts of the kind {kind.__name__}")
        asked = self.settings
        specified = Specified(asked.istio_version, asked.hub, asked.kube_proxy)
        inspector = Inspector(self.cluster, self._istioctl, specified, self.namespace, self.run, self._image)
        inspector.revision = self.installed.revision if self.installed else ""
        return cast(Facts, await inspector.facts())

    async def down(self) -> None:
        """Remove everything unless it is to be kept; the first failure is raised after all the rest has been tried."""
        failures: list[Exception] = []

        async def attempt(action: Any) -> None:
            try:
                await action
            except MeshproofError as error:
                failures.append(error)

        cluster, namespaces = self.cluster, self._namespaces
        if namespaces:
            await attempt(namespaces.close())
        if cluster and namespaces and not (self.keeps_namespace or self.deletes_cluster()):
            await attempt(sweep(cluster, self.run, self.outside))
            await attempt(namespaces.delete())
        await attempt(self.disconnect(cluster))
        if cluster:
            await attempt(cluster.close())
        # After a failure the cleanup process, which outlives this one, tries once more.
        if self._cleanup_on_death is not None:
            await asyncio.to_thread(self._cleanup_on_death.release if failures else self._cleanup_on_death.revoke)
        if self._folder is not None:
            await asyncio.to_thread(self._folder.release if failures else self._folder.remove)
        self._namespaces = self.cluster = self._cleanup_on_death = self._folder = None
        if failures:
            raise failures[0]

    def allowed_outside(self) -> tuple[tuple[str, str], ...]:
        """The kinds and namespaces outside of the run's own that --allow lets it write to."""
        return (SECRETS,) if GATEWAY_SECRETS in self.settings.allow else ()
