"""The kinds that meshproof reads, and in which versions."""

from __future__ import annotations

from meshproof.manifest import istio_fields, kubernetes_fields
from meshproof.manifest.resource import Resource
from meshproof.manifest.schema import Shape

NETWORKING = tuple(f"networking.istio.io/{version}" for version in ("v1", "v1beta1", "v1alpha3"))

ACCEPTED: dict[str, tuple[str, ...]] = {
    "Service": ("v1",),
    "Namespace": ("v1",),
    "Secret": ("v1",),
    "Deployment": ("apps/v1",),
    "VirtualService": NETWORKING,
    "DestinationRule": NETWORKING,
    "Gateway": NETWORKING,
}
"""Kind to the apiVersions it is read in."""

FOREIGN_GROUPS = frozenset({"gateway.networking.k8s.io", "serving.knative.dev"})
"""API groups that have kinds of the same names (Gateway, Service), which are other things."""

SCHEMAS: dict[str, Shape] = {
    "Service": kubernetes_fields.SERVICE,
    "Namespace": kubernetes_fields.NAMESPACE,
    "Secret": kubernetes_fields.SECRET,
    "Deployment": kubernetes_fields.DEPLOYMENT,
    "VirtualService": istio_fields.VIRTUAL_SERVICE,
    "DestinationRule": istio_fields.DESTINATION_RULE,
    "Gateway": istio_fields.GATEWAY,
}


def is_modelled(resource: Resource) -> bool:
    """Whether a resource is of a kind and version that is read."""
    return resource.api_version in ACCEPTED.get(resource.kind, ())
