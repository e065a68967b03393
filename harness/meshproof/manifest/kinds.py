"""The kinds that meshproof reads, and in which versions."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from functools import lru_cache
from importlib import import_module

from meshproof.errors import UsageError
from meshproof.manifest.fields import istio, kubernetes
from meshproof.manifest.resource import Manifests, Resource
from meshproof.manifest.schema import Shape

NETWORKING = tuple(f"networking.istio.io/{version}" for version in ("v1", "v1beta1", "v1alpha3"))
SECURITY = tuple(f"security.istio.io/{version}" for version in ("v1", "v1beta1"))
APPS = ("apps/v1", "apps/v1beta2")
GATEWAY_API = "gateway.networking.k8s.io"

ACCEPTED: dict[str, tuple[str, ...]] = {
    "Service": ("v1",),
    "Namespace": ("v1",),
    "Node": ("v1",),
    "Secret": ("v1",),
    "Deployment": (*APPS, "apps/v1beta1", "extensions/v1beta1"),
    "StatefulSet": (*APPS, "apps/v1beta1"),
    "DaemonSet": (*APPS, "extensions/v1beta1"),
    "ReplicaSet": (*APPS, "extensions/v1beta1"),
    "ReplicationController": ("v1",),
    "Pod": ("v1",),
    "Job": ("batch/v1",),
    "CronJob": ("batch/v1", "batch/v1beta1", "batch/v2alpha1"),
    "Rollout": ("argoproj.io/v1alpha1",),
    "DeploymentConfig": ("apps.openshift.io/v1",),
    "VirtualService": NETWORKING,
    "DestinationRule": NETWORKING,
    "Gateway": NETWORKING,
    "ServiceEntry": NETWORKING,
    "WorkloadEntry": NETWORKING,
    "WorkloadGroup": NETWORKING,
    "Sidecar": NETWORKING,
    "AuthorizationPolicy": SECURITY,
    "PeerAuthentication": SECURITY,
    "GatewayClass": (f"{GATEWAY_API}/v1", f"{GATEWAY_API}/v1beta1"),
    f"Gateway.{GATEWAY_API}": (f"{GATEWAY_API}/v1", f"{GATEWAY_API}/v1beta1"),
    "HTTPRoute": (f"{GATEWAY_API}/v1", f"{GATEWAY_API}/v1beta1"),
    "GRPCRoute": (f"{GATEWAY_API}/v1", f"{GATEWAY_API}/v1alpha2"),
    "TCPRoute": (f"{GATEWAY_API}/v1", f"{GATEWAY_API}/v1alpha2"),
    "TLSRoute": tuple(f"{GATEWAY_API}/{one}" for one in ("v1", "v1alpha3", "v1alpha2")),
    "ListenerSet": (f"{GATEWAY_API}/v1",),
    "ReferenceGrant": (f"{GATEWAY_API}/v1", f"{GATEWAY_API}/v1beta1"),
    "BackendTLSPolicy": (f"{GATEWAY_API}/v1", f"{GATEWAY_API}/v1alpha3"),
}
"""Kind to the apiVersions it is read in; `Kind.group` for one that is also the name of another group's kind."""

FOREIGN_GROUPS = frozenset({GATEWAY_API, "serving.knative.dev"})
"""API groups that have kinds of the same names (Gateway, Service), which are other things."""

LATER = {
    "ServiceEntry": ("service_entry", "SERVICE_ENTRY"),
    "WorkloadEntry": ("service_entry", "WORKLOAD_ENTRY"),
    "WorkloadGroup": ("service_entry", "WORKLOAD_GROUP"),
    "Sidecar": ("sidecar", "SIDECAR"),
    "AuthorizationPolicy": ("authorization_policy", "AUTHORIZATION_POLICY"),
    "PeerAuthentication": ("peer_authentication", "PEER_AUTHENTICATION"),
    "GatewayClass": ("gateway_api", "GATEWAY_CLASS"),
    f"Gateway.{GATEWAY_API}": ("gateway_api", "GATEWAY"),
    "HTTPRoute": ("gateway_api", "HTTP_ROUTE"),
    "GRPCRoute": ("gateway_api", "GRPC_ROUTE"),
    "TCPRoute": ("gateway_api", "TCP_ROUTE"),
    "TLSRoute": ("gateway_api", "TLS_ROUTE"),
    "ListenerSet": ("gateway_api", "LISTENER_SET"),
    "ReferenceGrant": ("gateway_api", "REFERENCE_GRANT"),
    "BackendTLSPolicy": ("backend_tls_policy", "BACKEND_TLS_POLICY"),
}
"""Kinds whose fields are only imported where one of them is read: module and name."""


class Schemas(dict[str, Shape]):
    """The shape of each kind."""

    def __missing__(self, kind: str) -> Shape:
        module, name = LATER[kind]
        shape: Shape = getattr(import_module(f"meshproof.manifest.fields.{module}"), name)
        self[kind] = shape
        return shape


SCHEMAS: dict[str, Shape] = Schemas(
    {
        "Service": kubernetes.SERVICE,
        "Namespace": kubernetes.NAMESPACE,
        "Node": kubernetes.NODE,
        "Secret": kubernetes.SECRET,
        **kubernetes.WORKLOADS,
        "VirtualService": istio.VIRTUAL_SERVICE,
        "DestinationRule": istio.DESTINATION_RULE,
        "Gateway": istio.GATEWAY,
    }
)


def entry(kind: str, group: str) -> str:
    """What a kind of an API group is called in these tables."""
    own = f"{kind}.{group}"
    return own if own in ACCEPTED else kind


@lru_cache(maxsize=256)
def is_read(kind: str, group: str) -> bool:
    """Whether a kind is one that is read: of its own API group, or of one that is no other project's."""
    groups = {version.rpartition("/")[0] for version in ACCEPTED.get(entry(kind, group), ())}
    others = group in FOREIGN_GROUPS or ("." in group and not group.endswith((".k8s.io", ".istio.io")))
    return group in groups or (bool(groups) and not others)


def entry_of(resource: Resource) -> str:
    """What the kind of a resource is called in these tables."""
    return entry(resource.kind, resource.api_version.rpartition("/")[0])


def is_modelled(resource: Resource) -> bool:
    """Whether a resource is of a kind and version that is read."""
    return resource.api_version in ACCEPTED.get(entry_of(resource), ())


def check_kinds(named: Collection[str], several: Iterable[Manifests]) -> None:
    """Raise UsageError for a kind that is one of these manifests', or one that is read, but for a slip."""
    if not named:
        return
    # Seldom asked for.
    from difflib import get_close_matches

    known = {name.partition(".")[0] for name in ACCEPTED}
    for one in several:
        refused = (each.resource for each in one.refusals if each.resource)
        known |= {each.kind for each in (*one.resources, *one.foreign, *refused)}
    same = {one.casefold(): one for one in known}
    for kind in named:
        meant = same.get(kind.casefold()) or next(iter(get_close_matches(kind, sorted(known), 1, 0.8)), "")
        if kind not in known and meant:
            raise UsageError(f"no kind is called {kind}: did you mean {meant}?")
