"""What a person may set for a mesh on a cluster."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import field, replace
from pathlib import Path

from meshproof.border.timeouts import Timeouts
from meshproof.errors import UsageError
from meshproof.records import dataclass
from meshproof.targets.cluster.entry import ENTRIES
from meshproof.targets.istio.installation.plan import Plan

PRODUCTION, GATEWAY_SECRETS = "production", "gateway-secrets"
ALLOWED = (PRODUCTION, GATEWAY_SECRETS)
MODES = ("iptables", "ipvs", "nftables")

REMOTE_TIMEOUTS = replace(
    Timeouts(),
    workload_answer=15.0,
    workload_ready=60.0,
    barrier=60.0,
    at_rest=60.0,
    locust_ready=90.0,
    locust_silent=40.0,
)
"""The limits for a mesh that is not on this machine."""


@dataclass(frozen=True, slots=True)
class KubeSettings:
    """Settings of the targets kind and cluster; those that only one of them has are refused by the other.

    `kubeconfig` is a path list as in $KUBECONFIG. `image` is the probe image (empty: built here); with
    `samples` workloads keep their published images, and only the client is made from it. `ports` fixes local ports
    of the ingress gateway, by service port. `entry` is how gateways are entered from outside (see entry.py;
    empty: by ports that kind maps, else forwarded ones). `cluster` names a kind cluster, to be used again when
    it is there. `lanes` is how many scenarios may run side by side, each in a namespace of its own.
    """

    context: str = ""
    kubeconfig: str = ""
    image: str = ""
    entry: str = ""
    samples: bool = False
    allow: Set[str] = frozenset()
    keep: bool = False
    applying: bool = True
    istioctl: str = "istioctl"
    istio_version: str = ""
    hub: str = ""
    settings: tuple[str, ...] = ()
    manifest: Path | None = None
    revision: str = ""
    skip_install: bool = False
    cluster: str = ""
    kubernetes: str = ""
    kube_proxy: str = ""
    nodes: int | None = None
    lanes: int | None = None
    ports: Mapping[int, int] = field(default_factory=dict)

    @property
    def installs(self) -> bool:
        """Whether anything is said about how Istio is to be installed."""
        return bool(self.hub or self.settings or self.manifest or self.istio_version)

    def plan(self, *, skip: bool) -> Plan:
        """How Istio is installed."""
        return Plan(hub=self.hub, settings=self.settings, revision=self.revision, manifest=self.manifest, skip=skip)

    def checked(self) -> KubeSettings:
        """These settings; raises UsageError for those that contradict each other."""
        for one in sorted(self.allow):
            if one not in ALLOWED:
                raise UsageError(
                    f"--allow {one}: there is nothing of that name to allow; it may be one of: {', '.join(ALLOWED)}"
                )
        if self.entry and self.entry not in ENTRIES:
            raise UsageError(f"--entry {self.entry}: a gateway is entered by one of {', '.join(ENTRIES)}")
        if self.ports and self.entry:
            raise UsageError(f"--port fixes local ports of the gateway, and --entry {self.entry} uses none of them")
        if self.skip_install and (self.settings or self.manifest):
            raise UsageError("--skip-install leaves Istio as it is: --set and --istio-manifest say otherwise")
        if self.manifest and (self.hub or self.settings):
            raise UsageError("--istio-manifest is applied as it is: --hub and --set belong to istioctl")
        if self.manifest and not self.manifest.is_file():
            raise UsageError(f"--istio-manifest {self.manifest}: there is no such file")
        return self
