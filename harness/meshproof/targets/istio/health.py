"""The control planes of a cluster, and whether all Deployments of Istio are available."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from meshproof.errors import TargetError
from meshproof.records import dataclass
from meshproof.targets.istio.istioctl import NAMESPACE
from meshproof.targets.kube import wait
from meshproof.targets.kube.api.connection import Cluster

COMPONENT = "operator.istio.io/component"
REVISION = "istio.io/rev"
ISTIOD = "istiod"
APPS = frozenset({ISTIOD, "istio-ingressgateway", "istio-egressgateway"})
DISCOVERY = "discovery"


@dataclass(frozen=True, slots=True)
class ControlPlane:
    """One istiod: its Deployment, its version (empty when its image has no tag), its revision."""

    namespace: str
    name: str
    version: str
    revision: str


async def control_planes(cluster: Cluster, namespace: str = NAMESPACE) -> tuple[ControlPlane, ...]:
    """The control planes that are installed in a namespace (empty: in any), ready or not."""
    found = await cluster.objects.list("apps/v1", "Deployment", namespace, labels=f"app={ISTIOD}")
    return tuple(_control_plane(one) for one in found)


async def deployments(cluster: Cluster) -> tuple[str, ...]:
    """The names of Istio's own Deployments, gateways included; addons are none of them."""
    found = await cluster.objects.list("apps/v1", "Deployment", NAMESPACE)
    return tuple(one["metadata"]["name"] for one in found if istios(one))


def istios(body: Mapping[str, Any]) -> bool:
    """Whether an object of istio-system is part of Istio itself."""
    labels = body["metadata"].get("labels") or {}
    return COMPONENT in labels or REVISION in labels or labels.get("app") in APPS


async def ready(cluster: Cluster, *, limit: float | None = None) -> Sequence[Mapping[str, Any]]:
    """Wait until all of Istio's Deployments are available; their pods. TargetError names what is not ready and why."""
    timeout = cluster.timeouts.istio_ready if limit is None else limit
    names = await deployments(cluster)
    if not await control_planes(cluster):
        raise TargetError(
            f"there is no istiod in namespace {NAMESPACE}: Istio is not installed",
            f"look: {cluster.kubectl.within(NAMESPACE).shown('get', 'deployments')}",
        )
    return await wait.available(cluster, NAMESPACE, names, limit=timeout)


def tag(image: str) -> str:
    """The tag of an image; empty when it has none."""
    _, colon, found = image.partition("@")[0].rpartition(":")
    return found if colon and "/" not in found else ""


def _control_plane(body: Mapping[str, Any]) -> ControlPlane:
    metadata = body["metadata"]
    labels = metadata.get("labels") or {}
    containers = body["spec"]["template"]["spec"]["containers"]
    image = next((str(one.get("image", "")) for one in containers if one.get("name") == DISCOVERY), "")
    # The tag of an image variant is VERSION-VARIANT.
    version = tag(image).removesuffix("-distroless").removesuffix("-debug")
    return ControlPlane(
        str(metadata["namespace"]), str(metadata["name"]), version, str(labels.get(REVISION) or "default")
    )
