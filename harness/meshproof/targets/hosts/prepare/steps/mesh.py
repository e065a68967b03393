"""The last step: Istio installed in the cluster, from the bundle and the registry."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from meshproof.border.timeouts import Timeouts
from meshproof.errors import UsageError
from meshproof.records import dataclass
from meshproof.targets.hosts.prepare.remote import Tell

if TYPE_CHECKING:
    from meshproof.targets.istio.installation.plan import Installed

PROFILE = "demo"
INJECTION = "istio-injection"


@dataclass(frozen=True, slots=True)
class MeshPlan:
    """How Istio is installed: `istioctl` is the bundle's own, `hub` the registry that its images come from."""

    istioctl: Path
    version: str
    hub: str
    settings: tuple[str, ...] = ()
    namespaces: tuple[str, ...] = ()
    allow: frozenset[str] = frozenset()

    def lines(self) -> list[str]:
        """A description for the user."""
        values = [f"profile={PROFILE}", *([f"hub={self.hub}"] if self.hub else []), *self.settings]
        given = " ".join(f"--set {value}" for value in values)
        labels = [f"label the namespace {name} with {INJECTION}=enabled" for name in self.namespaces]
        return [
            f"istioctl {self.version}: x precheck, then install -y {given}, unless it is installed so already",
            *labels,
        ]


async def install_mesh(plan: MeshPlan, kubeconfig: Path, context: str, timeouts: Timeouts, tell: Tell) -> Installed:
    """Install Istio unless it is installed in this way already, and label the namespaces; raises MeshproofError."""
    # Imported only now: importing the Kubernetes client takes longer than surveying most hosts.
    from meshproof.targets.istio.installation.install import install
    from meshproof.targets.istio.installation.plan import Plan
    from meshproof.targets.istio.istioctl import find
    from meshproof.targets.kube.api.connection import connect

    cluster = await connect([kubeconfig], context, timeouts, allow=plan.allow)
    try:
        tell(f"istioctl {plan.version} prechecks and installs, with images from {plan.hub}")
        istioctl = await find(str(plan.istioctl), (kubeconfig,), context, timeouts)
        installed = await install(cluster, istioctl, Plan(PROFILE, plan.hub, plan.settings))
        for name in plan.namespaces:
            await cluster.objects.merge("v1", "Namespace", name, {"metadata": {"labels": {INJECTION: "enabled"}}})
        return installed
    finally:
        await cluster.close()


def binary(release: Path, names: Sequence[str] = ("bin/istioctl", "istioctl")) -> Path:
    """istioctl in an unpacked release of Istio; raises UsageError."""
    for name in names:
        if (release / name).is_file():
            return release / name
    raise UsageError(f"{release}: has no {names[0]}, so this is no release of Istio")
