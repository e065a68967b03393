"""The kinds that meshproof reads, and in which versions."""

from __future__ import annotations

from importlib import import_module

from meshproof.manifest import istio_fields, kubernetes_fields
from meshproof.manifest.resource import Resource
from meshproof.manifest.schema import Shape

NETWORKING = tuple(f"networking.istio.io/{version}" for version in ("v1", "v1beta1", "v1alpha3"))
GATEWAY_API = "gateway.networking.k8s.io"

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

FOREIGN_GROUPS = frozenset({GATEWAY_API, "serving.knative.dev"})
"""API groups that have kinds of the same names (Gateway, Service), which are other things."""

LATER = {
    "ServiceEntry": ("service_entry_fields", "SERVICE_ENTRY"),
    "WorkloadEntry": ("service_entry_fields", "WORKLOAD_ENTRY"),
    "WorkloadGroup": ("service_entry_fields", "WORKLOAD_GROUP"),
    "HTTPRoute": ("gateway_api_fields", "HTTP_ROUTE"),
    "ReferenceGrant": ("gateway_api_fields", "REFERENCE_GRANT"),
}
"""Kinds whose fields are only imported where one of them is read: module and name."""


class Schemas(dict[str, Shape]):
    """The shape of each kind."""

    def __missing__(self, kind: str) -> Shape:
        module, name = LATER[kind]
        shape: Shape = getattr(import_module(f"meshproof.manifest.{module}"), name)
        self[kind] = shape
        return shape


SCHEMAS: dict[str, Shape] = Schemas(
    {
        "Service": kubernetes_fields.SERVICE,
        "Namespace": kubernetes_fields.NAMESPACE,
        "Secret": kubernetes_fields.SECRET,
        "Deployment": kubernetes_fields.DEPLOYMENT,
        "VirtualService": istio_fields.VIRTUAL_SERVICE,
        "DestinationRule": istio_fields.DESTINATION_RULE,
        "Gateway": istio_fields.GATEWAY,
    }
)


def is_read(kind: str, group: str) -> bool:
    """Whether some version of a kind of an API group is read."""
    groups = {version.rpartition("/")[0] for version in ACCEPTED.get(kind, ())}
    return group in groups or (bool(groups) and group not in FOREIGN_GROUPS)


def is_modelled(resource: Resource) -> bool:
    """Whether a resource is of a kind and version that is read."""
    return resource.api_version in ACCEPTED.get(resource.kind, ())
