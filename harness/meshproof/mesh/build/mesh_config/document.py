"""Where a folder gives the configuration of its mesh, and its fields.

The ConfigMap `istio` has it as a text, an IstioOperator as `spec.meshConfig`, beside what installs Istio
(https://istio.io/latest/docs/reference/config/istio.operator.v1alpha1/), and an Istio of the Sail operator (OpenShift
Service Mesh 3) among the charts' values (istio-ecosystem/sail-operator api/v1/istio_types.go).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from meshproof.errors import ManifestError
from meshproof.manifest.compose import Document
from meshproof.manifest.documents.read import documents
from meshproof.manifest.resource import Resource
from meshproof.manifest.value import Value
from meshproof.mesh.model.kubernetes import ROOT_NAMESPACE

CONFIG_MAP, OPERATOR = "ConfigMap", "IstioOperator"
SAIL, SAIL_GROUP = "Istio", "sailoperator.io"
MESH_CONFIG = "meshConfig"
NAME, KEY, NETWORKS = "istio", "mesh", "meshNetworks"
# What of an IstioOperator says how Istio is installed, and nothing of requests.
INSTALLING = frozenset(
    {
        *("profile", "hub", "tag", "revision", "namespace", "installPackagePath", MESH_CONFIG),
        *("components", "addonComponents", "version", "updateStrategy"),
    }
)
DISCOVERY = "discoverySelectors"
VALUES = frozenset(
    {
        *("global", "gateways", "telemetry", "sidecarInjectorWebhook", "defaultRevision", "revision", "base", "cni"),
        # What the charts up to 1.9 installed beside Istio, or ran as processes of its own: profiles list all of them.
        *("certmanager", "clusterResources", "galley", "grafana", "istiocoredns", "kiali", "mixer", "nodeagent"),
        *("prometheus", "prometheusOperator", "security", "sidecarInjector", "tracing", "istio_cni"),
    }
)
# Traces, processes and logs of istiod itself; who it is, and how it gets its certificates, as its chart writes it
# (manifests/charts/istio-control/istio-discovery/templates/deployment.yaml).
ENVIRONMENT = frozenset(
    {
        *("PILOT_TRACE_SAMPLING", "GODEBUG", "GOMAXPROCS", "GOMEMLIMIT", "PILOT_ENABLE_ANALYSIS", "REVISION"),
        *("POD_NAME", "POD_NAMESPACE", "SERVICE_ACCOUNT", "KUBECONFIG", "ISTIOD_ADDR", "INJECTION_WEBHOOK_CONFIG_NAME"),
        *("PILOT_CERT_PROVIDER", "JWT_POLICY", "CA_TRUSTED_NODE_ACCOUNTS", "PILOT_CA_CERT_CONFIGMAP"),
    }
)
EMPTY: tuple[object, ...] = (None, "", {}, ())


def is_mesh_config(resource: Resource) -> bool:
    """Whether a resource may configure the mesh as a whole."""
    if resource.kind == CONFIG_MAP:
        return resource.namespace == ROOT_NAMESPACE and resource.name == NAME
    return resource.kind == OPERATOR or _is_sail(resource)


def _is_sail(resource: Resource) -> bool:
    return resource.kind == SAIL and resource.api_version.partition("/")[0] == SAIL_GROUP


def configuring(foreign: Iterable[Resource]) -> list[Resource]:
    """Those that say something of the mesh: gateways are often installed by an IstioOperator of their own."""
    return [one for one in foreign if is_mesh_config(one) and not says_nothing(one)]


def settings(resource: Resource) -> Value | None:
    """The fields of `meshConfig`; None where it has none. Raises ManifestError where they cannot be read."""
    if resource.kind != CONFIG_MAP:
        spec = resource.body.get("spec")
        holder = spec.get("values") if spec and _is_sail(resource) else spec
        return holder.get(MESH_CONFIG) if holder else None
    data = resource.body.get("data")
    text = data.get(KEY) if data else None
    if text is None or not text.text().strip():
        return None
    for found in documents(text.text(), text.location.file, text.location.line):
        if isinstance(found, Document) and found.body.is_mapping and not found.problems:
            # Its places are those of the text within the document, of which the first line is known.
            return found.body
    raise text.problem("the mesh configuration is no mapping")


def others(resource: Resource) -> Iterator[Value]:
    """What else of it may decide requests."""
    if resource.kind == CONFIG_MAP:
        networks = (resource.body.get("data") or resource.body.holding({})).get(NETWORKS)
        if networks and networks.text().replace(" ", "") not in ("", "networks:{}"):
            yield networks
        return
    spec = resource.body.get("spec")
    for name, value in (spec.fields() if spec else {}).items():
        if name == "values":
            read = {MESH_CONFIG} if _is_sail(resource) else set()
            yield from (one for one in _of_values(value) if one.name not in read)
        elif name == "components":
            yield from _of_istiod(value)
        elif name not in INSTALLING and value.data not in EMPTY:
            yield value


def what(value: Value) -> str:
    """What a person calls one of these: a variable of istiod by its own name."""
    return f"{value.text()} of istiod" if value.name == "name" else value.name


def _of_values(values: Value) -> Iterator[Value]:
    """Of the charts' values those that are neither about the installation nor about its images."""
    for name, value in values.fields().items():
        if name == "pilot":
            variables = value.get("env")
            if variables and not variables.is_mapping and variables.data not in EMPTY:
                yield variables
            several = variables.fields() if variables and variables.is_mapping else {}
            yield from (one for variable, one in several.items() if variable not in ENVIRONMENT)
        elif name not in VALUES and value.data not in EMPTY:
            yield value


def _of_istiod(components: Value) -> Iterator[Value]:
    """The variables that istiod is started with, and patches of what its chart makes."""
    pilot = components.get("pilot")
    k8s = pilot.get("k8s") if pilot else None
    for one in k8s.list("env") if k8s else ():
        named = one.get("name")
        if named is None or named.text() not in ENVIRONMENT:
            yield named or one
    overlays = k8s.get("overlays") if k8s else None
    if overlays and overlays.data not in EMPTY:
        yield overlays


def read(resource: Resource) -> tuple[Value | None, ManifestError | None]:
    """The fields, or why they cannot be read."""
    try:
        return settings(resource), None
    except ManifestError as error:
        return None, error


def says_nothing(resource: Resource) -> bool:
    """Whether it configures nothing of the mesh, as one that installs gateways."""
    fields, error = read(resource)
    if error is not None or (fields is not None and fields.data):
        return False
    try:
        return not any(others(resource))
    except ManifestError:
        return False
