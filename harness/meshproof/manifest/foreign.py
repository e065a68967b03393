"""Kinds that are not modelled: those that can decide where, whether or how a request is answered, and the others.

Which kinds istiod reads: https://istio.io/latest/docs/reference/config/, istio/istio pkg/config/schema/metadata.yaml.
What other controllers write into routes or let through: their own documentation, named beside each group.
"""

from __future__ import annotations

from collections.abc import Collection

ROUTING_GROUPS = frozenset(
    {
        "networking.istio.io",
        "security.istio.io",
        "extensions.istio.io",
        "install.istio.io",
        "sailoperator.io",
        "maistra.io",
        "gateway.networking.k8s.io",
        "gateway.networking.x-k8s.io",
        "inference.networking.k8s.io",
        "multicluster.x-k8s.io",
        "discovery.k8s.io",
        # Ingress of its own class, which istiod serves, and NetworkPolicy, which drops connections.
        "networking.k8s.io",
        "cilium.io",
        "crd.projectcalico.org",
        "projectcalico.org",
        # Controllers that write VirtualServices and Services while they roll out.
        "flagger.app",
        "rollouts.kruise.io",
        "serving.knative.dev",
        "serving.kserve.io",
        "machinelearning.seldon.io",
        "networking.internal.knative.dev",
        # What was not read of a live cluster: manifest/captured.py.
        "meshproof.dev",
    }
)
"""API groups whose kinds can decide a request, but for what WITHOUT_PART names."""

ROUTING_KINDS = frozenset(
    {
        *(("v1", "Endpoints"), ("extensions/v1beta1", "Ingress"), ("extensions/v1beta1", "NetworkPolicy")),
        # KEDA may scale a workload to no pod at all.
        ("keda.sh/v1alpha1", "ScaledObject"),
    }
)
"""(apiVersion, kind) of further kinds that can."""

WITHOUT_PART = frozenset(
    {
        # A certificate, as meshproof writes them: of the Gateway API's group, and in no cluster.
        "ConformanceReport",
        # Flagger: what it measures while it rolls out, and whom it tells.
        "AlertProvider",
        "MetricTemplate",
        # The Sail operator: what redirects traffic on nodes, and names for revisions.
        "IstioCNI",
        "IstioRevisionTag",
        # KServe: what its services are made by.
        "ClusterServingRuntime",
        "ClusterStorageContainer",
        "LLMInferenceServiceConfig",
        "ServingRuntime",
        "ControllerRevision",
        "IPAddress",
        "IngressClass",
        "IngressClassParameters",
        "ProxyConfig",
        "ServiceCIDR",
    }
)
"""Kinds of those groups that decide no request by themselves."""

KNOWN_WITHOUT_PART = frozenset(
    {
        "admissionregistration.k8s.io",
        "apiextensions.k8s.io",
        "apiregistration.k8s.io",
        "authentication.k8s.io",
        "authorization.k8s.io",
        "autoscaling",
        "autoscaling.k8s.io",
        "certificates.k8s.io",
        "coordination.k8s.io",
        "events.k8s.io",
        "flowcontrol.apiserver.k8s.io",
        "metrics.k8s.io",
        "monitoring.coreos.com",
        "node.k8s.io",
        "policy",
        "rbac.authorization.k8s.io",
        "resource.k8s.io",
        "scheduling.k8s.io",
        "snapshot.storage.k8s.io",
        "storage.k8s.io",
        "telemetry.istio.io",
    }
)
"""API groups of which no kind decides where, whether or how a request is answered."""

KNOWN_CORE = frozenset(
    {
        "ConfigMap",
        "Event",
        "LimitRange",
        "PersistentVolume",
        "PersistentVolumeClaim",
        "PodTemplate",
        "ResourceQuota",
        "ServiceAccount",
    }
)
"""Kinds of the core group that do not, either."""

ROOT_NAMESPACE = "istio-system"
# Keys of the mesh's configuration.
MESH = frozenset({"mesh", "meshNetworks"})


def decides(version: str, kind: str, namespace: str, name: str, data: Collection[str] | None) -> bool:
    """Whether a resource of a kind that is not modelled can decide a request; `data` are its keys, where it has any."""
    if (version, kind) == ("v1", "ConfigMap"):
        # The mesh's own configuration, of this revision or another one; others of Istio's are about the installation.
        if namespace != ROOT_NAMESPACE or not (name == "istio" or name.startswith("istio-")):
            return False
        return name == "istio" or data is None or not MESH.isdisjoint(data)
    group = version.rpartition("/")[0]
    return (version, kind) in ROUTING_KINDS or (group in ROUTING_GROUPS and kind not in WITHOUT_PART)


def is_known(version: str, kind: str) -> bool:
    """Whether a kind is known to decide no request: others are neither istiod's nor Envoy's, or mistyped."""
    group = version.rpartition("/")[0]
    return group in KNOWN_WITHOUT_PART or (version == "v1" and kind in KNOWN_CORE) or kind in WITHOUT_PART


def why_not_read(version: str, kind: str) -> str:
    """What is said of a resource that does not."""
    reason = "it has no part in what is verified" if is_known(version, kind) else "neither istiod nor Envoy reads it"
    return f"{version} {kind} is not read: {reason}"
