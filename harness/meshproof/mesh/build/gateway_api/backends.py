"""Where an HTTPRoute sends to: its backendRefs, and the backend of a mirror.

Source: https://gateway-api.sigs.k8s.io/reference/spec/#backendref; what istiod makes of them:
pilot/pkg/config/kube/gateway/conversion.go (buildDestination).
"""

from __future__ import annotations

from meshproof.manifest.value import Value
from meshproof.mesh.build.findings import Findings
from meshproof.mesh.build.kubernetes import LARGEST_PORT
from meshproof.mesh.model.kubernetes import CLUSTER_DOMAIN
from meshproof.mesh.model.virtual_service import Destination
from meshproof.records import dataclass

SERVICE = ("", "Service")
HOSTNAME = ("networking.istio.io", "Hostname")
SERVICE_IMPORT = ("multicluster.x-k8s.io", "ServiceImport")
# Only with features of istiod that are off by default.
FEATURES = (("inference.networking.k8s.io", "InferencePool"), ("gateway.networking.x-k8s.io", "XBackend"))


@dataclass(frozen=True, slots=True)
class Backend:
    """What a rule refers to: `group`, `kind`, `namespace` and `name` are what a ReferenceGrant speaks of."""

    destination: Destination
    group: str
    kind: str
    namespace: str
    name: str


def backend(value: Value, namespace: str, findings: Findings) -> Backend:
    """One reference of a route in `namespace`.

    A reference to a kind that istiod does not know leads nowhere; raises ManifestError for one that makes it refuse the
    whole route.
    """
    group, kind = _text(value, "group"), _text(value, "kind", "Service")
    place, name = value.get("namespace"), value.need("name", "the Service to send to").text()
    own = place.text() if place else namespace
    port = value.get("port")
    number = port.whole(1, LARGEST_PORT) if port else None
    host = f"{kind} {own}/{name}"
    if (group, kind) in (SERVICE, SERVICE_IMPORT):
        if "." in name:
            raise value.need("name").problem(f"{name} is no name of a Service", "write its name, not its host")
        host = f"{name}.{own}.{CLUSTER_DOMAIN}"
    elif (group, kind) == HOSTNAME:
        if place:
            raise place.problem("a Hostname has no namespace", "leave namespace out")
        host = name.lower()
    else:
        if (group, kind) in FEATURES:
            findings.unproved(value.location, f"a backend of kind {kind} is not modelled")
        return Backend(Destination(host, "", number, value.location), group, kind, own, name)
    if number is None:
        raise value.problem("a backend needs a port", "port: the number of the Service's port")
    return Backend(Destination(host, "", number, value.location), group, kind, own, name)


def _text(value: Value, name: str, otherwise: str = "") -> str:
    found = value.get(name)
    return found.text() if found else otherwise
