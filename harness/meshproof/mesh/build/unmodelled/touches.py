"""Which requests a whole resource can touch: one that is not modelled, or that a cluster would refuse.

Read from the raw fields, as far as they can be: what cannot be read touches more, never less.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from meshproof.errors import ManifestError
from meshproof.manifest import captured
from meshproof.manifest.identify import makes_pods
from meshproof.manifest.kinds import GATEWAY_API, is_read
from meshproof.manifest.resource import Resource
from meshproof.manifest.value import Value
from meshproof.mesh.build.proxy_config.variables import by_variables
from meshproof.mesh.build.request_authentication.tokens import bearing
from meshproof.mesh.build.unmodelled import scaled
from meshproof.mesh.build.workloads import canary
from meshproof.mesh.build.workloads.at import at
from meshproof.mesh.build.workloads.workload import FORMS, Form
from meshproof.mesh.model import names
from meshproof.mesh.model.kubernetes import CLUSTER_DOMAIN, ROOT_NAMESPACE, Labels
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.unmodelled import (
    EVERY_ROLE,
    Asked,
    Called,
    Clients,
    Entering,
    Everything,
    Pods,
    Role,
    Rule,
    Touches,
)
from meshproof.mesh.model.virtual_service import MESH_GATEWAY

Several = tuple[Touches, ...]
EVERYTHING: Several = (Everything(),)
# Who writes EndpointSlices from Services and from Endpoints.
MANAGED_BY = "endpointslice.kubernetes.io/managed-by"
CONTROLLERS = ("endpointslice-controller.", "endpointslicemirroring-controller.")
# istio/istio pilot/pkg/model/push_context.go: a patch is for proxies of its context alone.
CONTEXTS = {"SIDECAR_OUTBOUND": Role.SENDS, "SIDECAR_INBOUND": Role.RECEIVES, "GATEWAY": Role.LETS_IN}


def touches(resource: Resource, mesh: Mesh) -> Several:
    """The requests that a resource can touch, in a mesh of all that could be built."""
    read = KINDS.get(resource.kind, _everything)
    group = resource.api_version.rpartition("/")[0]
    if resource.kind in FORMS and not is_read(resource.kind, group):
        # Another project's kind of the same name.
        read = _everything
    if read is _everything and makes_pods(resource.body):
        read = _template
    try:
        return read(resource, mesh)
    except ManifestError:
        return EVERYTHING


def _everything(resource: Resource, mesh: Mesh) -> Several:  # noqa: ARG001
    return EVERYTHING


def _virtual_service(resource: Resource, mesh: Mesh) -> Several:
    spec = resource.body.need("spec")
    hosts = tuple(names.host(one, resource.namespace) for one in spec.list("hosts"))
    gateways = tuple(names.gateway(one.text(), resource.namespace) for one in spec.list("gateways"))
    if hosts:
        return (Asked(hosts, gateways or (MESH_GATEWAY,)),)
    # Without hosts it is delegated to: by which rules only a mesh tells.
    key = f"{resource.namespace}/{resource.name}"
    rules = [rule for one in mesh.virtual_services for rule in one.http]
    return tuple(Rule(rule.location) for rule in rules if rule.missing == key) if rules else EVERYTHING


def _host(resource: Resource, mesh: Mesh) -> Several:  # noqa: ARG001
    return (Called((names.host(resource.body.need("spec").need("host"), resource.namespace),)),)


def _hosts(resource: Resource, mesh: Mesh) -> Several:  # noqa: ARG001
    hosts = tuple(names.host(one, resource.namespace) for one in resource.body.need("spec").list("hosts"))
    return (Called(hosts),) if hosts else EVERYTHING


def _service(resource: Resource, mesh: Mesh) -> Several:  # noqa: ARG001
    return (Called((_full(resource.name, resource.namespace),)),)


def _full(name: str, namespace: str) -> str:
    return f"{name.lower()}.{namespace}.{CLUSTER_DOMAIN}"


def _template(resource: Resource, mesh: Mesh) -> Several:
    """The Services that select the pods of a workload."""
    form = FORMS.get(resource.kind, Form())
    template = at(resource.body, form.template)
    found = _labels(template.get("metadata") if template else None, "labels")
    if template is None or not found:
        # Its pods' labels cannot be read: any Service of its namespace may select them.
        return (Called(tuple(one.host for one in mesh.services if one.namespace == resource.namespace)),)
    return (Called(tuple(_selecting(mesh, resource.namespace, found))),)


def _selecting(mesh: Mesh, namespace: str, labels: Labels) -> Iterator[str]:
    for service in mesh.services:
        if service.namespace == namespace and service.selector and service.selector.items() <= labels.items():
            yield service.host


def _entry(resource: Resource, mesh: Mesh) -> Several:
    spec = resource.body.get("spec")
    own = spec.get("template") if spec and resource.kind == "WorkloadGroup" else spec
    metadata = spec.get("metadata") if spec and resource.kind == "WorkloadGroup" else resource.body.get("metadata")
    found = {**_labels(own, "labels"), **_labels(metadata, "labels")}
    return (Called(tuple(_selecting(mesh, resource.namespace, found))),)


def _endpoints(resource: Resource, mesh: Mesh) -> Several:
    """Who stands behind a Service; nothing that is not known where the cluster made it from the Service's selector."""
    own = _labels(resource.body.get("metadata"), "labels")
    host = _full(own.get("kubernetes.io/service-name", resource.name), resource.namespace)
    service = mesh.service(host)
    derived = resource.kind == "Endpoints" or own.get(MANAGED_BY, "").startswith(CONTROLLERS)
    return () if derived and service is not None and service.selector else (Called((host,)),)


def touches_nothing(several: Several) -> bool:
    """Whether these are no requests at all."""
    return all(isinstance(one, Asked | Called) and not one.hosts for one in several)


def _gateway(resource: Resource, mesh: Mesh) -> Several:  # noqa: ARG001
    """What enters by it; where it may share its pods with others, by one of its ports, as far as all can be read."""
    key, spec = f"{resource.namespace}/{resource.name}", resource.body.get("spec")
    if resource.api_version.startswith(f"{GATEWAY_API}/"):
        return (Entering(key, alone=True),)
    try:
        ports = {one.need("port").need("number").whole() for one in (spec.list("servers") if spec else ())}
    except ManifestError:
        return (Entering(key),)
    return tuple(Entering(key, one) for one in sorted(ports)) or (Entering(key),)


def _secret(resource: Resource, mesh: Mesh) -> Several:
    found = (
        Entering(gateway.key, server.port)
        for gateway in mesh.gateways
        for server in gateway.servers
        if server.tls.credential_name.removesuffix("-cacert") == resource.name.removesuffix("-cacert")
    )
    return tuple(found)


def _policy(resource: Resource, mesh: Mesh) -> Several:
    """A policy for pods: those that it selects, of its namespace or, from the root namespace, of all."""
    namespace = "" if resource.namespace == ROOT_NAMESPACE else resource.namespace
    spec = resource.body.get("spec")
    single = spec.get("targetRef") if spec else None
    aims = [*(spec.list("targetRefs") if spec else ()), *([single] if single else [])]
    if aims:
        return tuple(_aim(one, resource.namespace, mesh) for one in aims)
    return (Pods(namespace, _selected(spec)),)


def _envoy_filter(resource: Resource, mesh: Mesh) -> Several:
    """As a policy; its patches name the side of a proxy that they are for."""
    spec = resource.body.get("spec")
    roles = frozenset(role for patch in (spec.list("configPatches") if spec else ()) for role in _patched(patch))
    several = _policy(resource, mesh)
    return tuple(replace(one, roles=roles or EVERY_ROLE) if isinstance(one, Pods) else one for one in several)


def _patched(patch: Value) -> frozenset[Role]:
    match, what = patch.get("match"), patch.get("applyTo")
    context = match.get("context") if match else None
    role = CONTEXTS.get(context.text()) if context else None
    return EVERY_ROLE if role is None or (what and what.text() == "BOOTSTRAP") else frozenset({role})


def _namespace(resource: Resource, mesh: Mesh) -> Several:
    """Its labels say who is part of the mesh, and whose routes a Gateway takes: routes wait for those themselves."""
    if not resource.name:
        return EVERYTHING
    return (Called(tuple(one.host for one in mesh.services if one.namespace == resource.name)), Pods(resource.name))


def _aim(aim: Value, namespace: str, mesh: Mesh) -> Touches:
    kind, name = aim.need("kind").text(), aim.need("name").text()
    own = aim.get("namespace")
    place = own.text() if own else namespace
    if kind in ("Service", "ServiceImport"):
        return Called((_full(name, place),))
    if kind == "ServiceEntry" and (hosts := mesh.entered_as(f"{place}/{name}")):
        return Called(hosts)
    return Entering(f"{place}/{name}") if kind == "Gateway" else Pods(place)


def _selected(spec: Value | None) -> Labels:
    for holder, field in (
        ("selector", "matchLabels"),
        ("workloadSelector", "labels"),
        ("workloadSelector", "matchLabels"),
        ("podSelector", "matchLabels"),
    ):
        found = _labels(spec.get(holder) if spec else None, field)
        if found:
            return found
    return {}


def _labels(holder: Value | None, name: str) -> Labels:
    found = holder.get(name) if holder else None
    return {key: value.text() for key, value in found.fields().items() if value.data is not None} if found else {}


def _sidecar(resource: Resource, mesh: Mesh) -> Several:  # noqa: ARG001
    namespace = "" if resource.namespace == ROOT_NAMESPACE else resource.namespace
    return (Clients(namespace, _selected(resource.body.get("spec"))),)


def _route(resource: Resource, mesh: Mesh) -> Several:
    """A route of the Gateway API: what is asked of its parents; istiod takes those of kinds that it does not know for
    another controller's.
    """
    spec = resource.body.need("spec")
    found: dict[Touches, None] = {}
    for parent in spec.list("parentRefs"):
        kind, place = parent.get("kind"), parent.get("namespace")
        said, name = kind.text() if kind else "Gateway", parent.need("name").text()
        own = place.text() if place else resource.namespace
        if said == "Service":
            found[Asked((_full(name, own),), (MESH_GATEWAY,))] = None
        elif said == "ServiceEntry":
            found[Asked(mesh.entered_as(f"{own}/{name}"), (MESH_GATEWAY,))] = None
        elif said in ("Gateway", "ListenerSet"):
            hosts = tuple(one.text().lower() for one in spec.list("hostnames"))
            found[Asked(hosts or ("*",), (f"{own}/{name}",) if said == "Gateway" else ())] = None
    return tuple(found)


def _listener_set(resource: Resource, mesh: Mesh) -> Several:  # noqa: ARG001
    """Further listeners of a Gateway."""
    parent = resource.body.need("spec").need("parentRef")
    place = parent.get("namespace")
    key = f"{place.text() if place else resource.namespace}/{parent.need('name').text()}"
    return (Entering(key, alone=True),)


def _not_read(resource: Resource, mesh: Mesh) -> Several:  # noqa: ARG001
    """What stands in a live cluster that could not be read: manifest/captured.py."""
    spec = resource.body.need("spec")
    hosts = tuple(one.text() for one in spec.list("hosts"))
    gateways = tuple(Entering(one.text()) for one in spec.list("gateways"))
    return (*((Asked(hosts), Called(hosts)) if hosts else ()), *gateways) or EVERYTHING


KINDS: dict[str, Callable[[Resource, Mesh], Several]] = {
    "Namespace": _namespace,
    "VirtualService": _virtual_service,
    "DestinationRule": _host,
    "ServiceEntry": _hosts,
    "Service": _service,
    **dict.fromkeys(FORMS, _template),
    "WorkloadEntry": _entry,
    "WorkloadGroup": _entry,
    "Endpoints": _endpoints,
    "EndpointSlice": _endpoints,
    "ServiceImport": _service,
    "ServiceExport": _service,
    "Gateway": _gateway,
    "Secret": _secret,
    "AuthorizationPolicy": _policy,
    "RequestAuthentication": lambda one, mesh: bearing(one, _policy(one, mesh)),
    "PeerAuthentication": _policy,
    "EnvoyFilter": _envoy_filter,
    "ProxyConfig": lambda one, mesh: _policy(one, mesh) if (known := by_variables(one, mesh)) is None else known,
    "WasmPlugin": _policy,
    "TrafficExtension": _policy,
    "NetworkPolicy": _policy,
    "BackendTLSPolicy": _policy,
    "Sidecar": _sidecar,
    "HTTPRoute": _route,
    "GRPCRoute": _route,
    "TCPRoute": _route,
    "TLSRoute": _route,
    "UDPRoute": _route,
    "ListenerSet": _listener_set,
    "XListenerSet": _listener_set,
    "Canary": lambda one, _mesh: canary.touched(one),
    "ScaledObject": scaled.touched,
    captured.NOT_READ: _not_read,
    captured.CLUSTER: lambda _resource, _mesh: (),
}
"""How each kind is read for it; any other kind touches everything."""
