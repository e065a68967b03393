"""A cluster that exists already, by an explicit context. Nothing outside of the run's own namespaces is changed."""

from __future__ import annotations

import shutil

from meshproof.border.timeouts import Timeouts
from meshproof.errors import UsageError
from meshproof.process import OwnedFolder
from meshproof.targets.cluster.settings import REMOTE_TIMEOUTS, KubeSettings
from meshproof.targets.cluster.target import KubeTarget
from meshproof.targets.istio.installation.plan import Plan
from meshproof.targets.kube.api import kubeconfig
from meshproof.targets.kube.api.connection import Cluster, connect
from meshproof.targets.kube.kubectl import missing

KIND_ONLY = ("cluster", "kubernetes", "nodes", "ports")


class ClusterTarget(KubeTarget):
    """Istio is used as it is, unless the settings say how to install it."""

    name = "cluster"

    def __init__(self, settings: KubeSettings, timeouts: Timeouts = REMOTE_TIMEOUTS) -> None:
        super().__init__(settings, timeouts)
        self.outside = self.allowed_outside()

    def preflight(self) -> None:
        """Refuse incomplete or contradicting options before any cluster is contacted."""
        self.no_kind()
        kubeconfig.read(kubeconfig.paths(self.settings.kubeconfig or None), self.settings.context)
        self.complete()

    def no_kind(self) -> None:
        """Refuse options that only make sense for a new cluster."""
        for name in KIND_ONLY:
            if getattr(self.settings, name):
                raise UsageError(f"--{'port' if name == 'ports' else name} is for --target kind: a cluster is as it is")

    def complete(self) -> None:
        """Refuse to begin without --image and kubectl, which every run on a cluster needs."""
        if not self.settings.image:
            raise UsageError(
                f"--target {self.name} needs --image: the probe image where the cluster's nodes find it (it is built "
                "from fixtures/Dockerfile). The client is made from it, and the workloads too unless --samples is given"
            )
        if shutil.which("kubectl") is None:
            raise missing()

    async def reach(self, folder: OwnedFolder) -> Cluster:  # noqa: ARG002
        said = self.settings
        return await connect(said.kubeconfig or None, said.context, self.timeouts, allow=said.allow)

    async def image(self, cluster: Cluster) -> str:  # noqa: ARG002
        return self.settings.image

    def plan(self) -> Plan:
        said = self.settings
        return said.plan(skip=said.skip_install or not said.installs)
