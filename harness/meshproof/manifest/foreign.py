"""Kinds that are not modelled: those that can decide where, whether or how a request is answered, and the others.

Which kinds istiod reads: https://istio.io/latest/docs/reference/config/, istio/istio pkg/config/schema/metadata.yaml.
What other controllers write into routes or let through: their own documentation, named beside each group.
"""

from __future__ import annotations

ROUTING_GROUPS = frozenset(
    {
        "networking.istio.io",
        "security.istio.io",
        "extensions.istio.io",
        "install.istio.io",
        "gateway.networking.k8s.io",
        "gateway.networking.x-k8s.io",
        "inference.networking.k8s.io",
        "multicluster.x-k8s.io",
        "discovery.k8s.io",
        # Ingress, which istiod serves, and NetworkPolicy, which drops connections.
        "networking.k8s.io",
        "cilium.io",
        "crd.projectcalico.org",
        "projectcalico.org",
        # Controllers that write VirtualServices and Services while they roll out.
        "flagger.app",
        "serving.knative.dev",
        "networking.internal.knative.dev",
    }
)
"""API groups whose kinds can decide a request, but for what WITHOUT_PART names."""

ROUTING_KINDS = frozenset({("v1", "Endpoints"), ("v1", "ReplicationController"), ("apps/v1", "ControllerRevision")})
"""(apiVersion, kind) of further kinds that can."""

WITHOUT_PART = frozenset({"IngressClass", "IngressClassParameters", "GatewayClass", "ProxyConfig"})
"""Kinds of those groups that decide no request by themselves."""

ROOT_NAMESPACE = "istio-system"


def decides(version: str, kind: str, namespace: str, name: str) -> bool:
    """Whether a resource of a kind that is not modelled can decide a request."""
    if (version, kind) == ("v1", "ConfigMap"):
        # The mesh's own configuration.
        return namespace == ROOT_NAMESPACE and (name == "istio" or name.startswith("istio-"))
    group = version.rpartition("/")[0]
    return (version, kind) in ROUTING_KINDS or (group in ROUTING_GROUPS and kind not in WITHOUT_PART)
