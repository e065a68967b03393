"""Delete all parts of Istio but its kinds, which `istioctl uninstall --purge` would delete too."""

from __future__ import annotations

from meshproof.targets.istio.health import COMPONENT
from meshproof.targets.istio.istioctl import NAMESPACE
from meshproof.targets.kube.api.connection import Cluster

CLUSTER_WIDE = (
    ("admissionregistration.k8s.io/v1", "MutatingWebhookConfiguration"),
    ("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration"),
    ("rbac.authorization.k8s.io/v1", "ClusterRoleBinding"),
    ("rbac.authorization.k8s.io/v1", "ClusterRole"),
)
NAMESPACED = (
    ("apps/v1", "Deployment"),
    ("apps/v1", "DaemonSet"),
    ("v1", "Service"),
    ("v1", "ConfigMap"),
    ("v1", "ServiceAccount"),
    ("rbac.authorization.k8s.io/v1", "RoleBinding"),
    ("rbac.authorization.k8s.io/v1", "Role"),
)


async def sweep(cluster: Cluster) -> None:
    """Delete what istioctl has installed as parts of Istio; webhooks first, so that none is called any more."""
    for kinds, namespace in ((CLUSTER_WIDE, ""), (NAMESPACED, NAMESPACE)):
        for api_version, kind in kinds:
            for one in await cluster.objects.list(api_version, kind, namespace, labels=COMPONENT):
                metadata = one["metadata"]
                await cluster.objects.delete(
                    api_version, kind, metadata["name"], namespace, uid=metadata["uid"], propagation="Background"
                )
