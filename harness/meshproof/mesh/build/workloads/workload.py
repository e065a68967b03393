"""Deployments and the other kinds that make pods, each by where its template and its number of pods stand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from meshproof.errors import ManifestError
from meshproof.manifest.resource import Notice, Resource
from meshproof.manifest.syntax.names import label_1123, port_name
from meshproof.manifest.value import Value
from meshproof.mesh.build.findings import Findings
from meshproof.mesh.build.kubernetes import LARGEST_PORT, labels
from meshproof.mesh.build.proxy_config.annotation import own_proxies
from meshproof.mesh.build.workloads.at import at
from meshproof.mesh.build.workloads.held_back import held_back
from meshproof.mesh.build.workloads.inbound import inbound
from meshproof.mesh.build.workloads.selector import check_labels, check_selects
from meshproof.mesh.model.ambient import INJECT
from meshproof.mesh.model.kubernetes import ContainerPort, Labels, Workload
from meshproof.mesh.model.security.identity import DEFAULT_ACCOUNT
from meshproof.mesh.model.topic import Topic
from meshproof.mesh.model.traffic_policy.locality import REGION, SUBZONE, ZONE, Locality, labelled
from meshproof.records import dataclass

MOST_REPLICAS = 10_000
SIDECAR = "istio-proxy"
ALONE = "its pods have no sidecar: what they send goes by no rule within the mesh"
# What of a pod's connections its sidecar takes over, with what says that it takes all of those that clients open:
# https://istio.io/latest/docs/reference/config/annotations/.
CAPTURED = {
    "traffic.sidecar.istio.io/includeOutboundIPRanges": ("*",),
    "traffic.sidecar.istio.io/excludeOutboundIPRanges": ("",),
    "traffic.sidecar.istio.io/excludeOutboundPorts": ("",),
    "traffic.sidecar.istio.io/excludeInterfaces": ("",),
    "sidecar.istio.io/interceptionMode": ("REDIRECT", "TPROXY"),
}
Owners = Mapping[tuple[str, str, str], tuple[str, str]]
# In these the selector may be left out: it is that of the template's labels then.
OLD_VERSIONS = frozenset({"extensions/v1beta1", "apps/v1beta1"})


@dataclass(frozen=True, slots=True)
class Form:
    """Where a kind has what makes its pods, each a path from the resource.

    `replicas` is the field that says how many pods there are (none: one); `mapping` tells that its selector is a
    plain mapping of labels, `selecting` that there has to be one. `suspend` is the field that ends all of its pods,
    `passing` tells that they come and go.
    """

    template: tuple[str, ...] = ("spec", "template")
    replicas: tuple[str, ...] = ("spec", "replicas")
    selecting: bool = True
    mapping: bool = False
    suspend: tuple[str, ...] = ()
    passing: bool = False


FORMS = {
    "Deployment": Form(),
    "StatefulSet": Form(),
    "DaemonSet": Form(replicas=()),
    "ReplicaSet": Form(),
    "ReplicationController": Form(selecting=False, mapping=True),
    "DeploymentConfig": Form(selecting=False, mapping=True),
    "Rollout": Form(),
    "Pod": Form(template=(), replicas=(), selecting=False),
    "Job": Form(replicas=("spec", "parallelism"), selecting=False, suspend=("spec", "suspend"), passing=True),
    "CronJob": Form(
        template=("spec", "jobTemplate", "spec", "template"),
        replicas=("spec", "jobTemplate", "spec", "parallelism"),
        selecting=False,
        suspend=("spec", "suspend"),
        passing=True,
    ),
}
"""Each kind that makes pods."""


def on_host(template: Value) -> bool:
    """Whether pods have the addresses of their Nodes."""
    network = at(template, ("spec", "hostNetwork"))
    return network is not None and network.data is True


def asked_for(template: Value) -> str:
    """What a template says of a sidecar (`false`: none); empty where it leaves that to the namespace.

    Of a pod the label counts before the annotation: istio/istio pkg/kube/inject/inject.go (injectRequired).
    """
    if on_host(template):
        return "false"
    several = (at(template, ("metadata", holder, INJECT)) for holder in ("labels", "annotations"))
    return next((one.data for one in several if one and isinstance(one.data, str) and one.data), "")


def bypass(template: Value) -> str:
    """Why what pods send passes no sidecar, or not all of it does; empty where it does."""
    if asked_for(template) == "false":
        return ALONE
    given = at(template, ("metadata", "annotations"))
    for name, whole in CAPTURED.items() if given else ():
        said = given.get(name) if given else None
        if said and said.text_form not in whole:
            return f"by {name} some of what its pods send passes their sidecar by: which is not modelled"
    return ""


def workload(resource: Resource, findings: Findings) -> Workload:
    """The pods that a resource makes."""
    form = FORMS[resource.kind]
    template = at(resource.body, form.template)
    if template is None:
        raise resource.body.problem(f"a {resource.kind} needs {'.'.join(form.template)}")
    metadata = template.get("metadata")
    pod = labels(metadata, "labels")
    own_proxies(metadata.get("annotations") if metadata else None, resource.namespace, pod, findings)
    _check_selector(resource, form, pod)
    spec = template.need("spec")
    containers = spec.need("containers").items()
    if not containers:
        raise template.problem("the template has no containers" if form.template else "the Pod has no containers")
    own = [one for one in containers if (name := one.get("name")) is None or name.data != SIDECAR] or list(containers)
    image = own[0].get("image")
    ports = tuple(port for container in own for port in _ports(container))
    _check_containers([*spec.list("initContainers"), *containers])
    held_back(resource, spec, pod, findings)
    if form.passing:
        text = f"the pods of {resource} are there only while it runs: it is held to run"
        findings.notice(resource.location, text, Topic.RUN_ALONE)
    node, node_labels = spec.get("nodeName"), labels(spec, "nodeSelector")
    return Workload(
        resource.name,
        resource.namespace,
        replicas(resource.body, form),
        pod,
        image.text() if image else "",
        ports,
        resource.location,
        resource.kind,
        locality=labelled(pod) or _bound_to(node_labels),
        node=node.text() if node else "",
        node_labels=node_labels,
        bypass=bypass(template),
        on_host=on_host(template),
        account=_account(spec),
        inbound=inbound(metadata.get("annotations") if metadata else None),
        sidecar=_sidecar(template, containers),
    )


def _sidecar(template: Value, containers: Sequence[Value]) -> bool | None:
    """Whether a sidecar stands beside pods: they hold it themselves, want none, or leave it to their namespace."""
    if any((name := one.get("name")) is not None and name.data == SIDECAR for one in containers):
        return True
    return False if asked_for(template) == "false" else None


def _account(spec: Value) -> str:
    """The ServiceAccount of pods, by the field of today or that of old versions."""
    several = (one.text() for name in ("serviceAccountName", "serviceAccount") if (one := spec.get(name)))
    return next(filter(None, several), DEFAULT_ACCOUNT)


def _bound_to(node_labels: Labels) -> Locality | None:
    """Where the Nodes are that a selector asks for, if it names their region and zone."""
    if REGION not in node_labels or ZONE not in node_labels:
        return None
    return Locality(node_labels[REGION], node_labels[ZONE], node_labels.get(SUBZONE, ""))


def _check_selector(resource: Resource, form: Form, pod: Labels) -> None:
    spec = resource.body.get("spec")
    selector = spec.get("selector") if spec and (form.selecting or form.mapping) else None
    if selector is None:
        if form.selecting and resource.api_version not in OLD_VERSIONS:
            holder = spec or resource.body
            raise holder.problem(f"a {resource.kind} needs a selector", "give it the labels of its template")
    elif form.mapping:
        check_labels(selector, labels(spec, "selector"), pod)
    else:
        check_selects(selector, pod)


def replicas(body: Value, form: Form) -> int:
    """The number of pods; one where the number is left out or null, as the API server sets it."""
    suspended = at(body, form.suspend) if form.suspend else None
    if suspended is not None and suspended.flag():
        return 0
    found = at(body, form.replicas) if form.replicas else None
    return found.whole(0, MOST_REPLICAS) if found else 1


def _ports(container: Value) -> Iterable[ContainerPort]:
    for port in container.list("ports"):
        name = port.get("name")
        if name and name.text() and (wrong := port_name(name.text())):
            raise name.problem(f"the port name {name.shown} {wrong}", "the API server refuses it")
        transport = port.get("protocol")
        # A port is found by its name among those of its transport alone, of which the mesh carries TCP.
        carried = transport is None or transport.data in ("", "TCP")
        yield ContainerPort(port.need("containerPort").whole(1, LARGEST_PORT), name.text() if name and carried else "")


def _check_containers(containers: Sequence[Value]) -> None:
    seen: dict[str, Value] = {}
    for container in containers:
        name, image = container.get("name"), container.get("image")
        for field, found in (("name", name), ("image", image)):
            if found is None or found.data in (None, ""):
                raise container.problem(f"a container needs {field}", "the API server refuses it")
        if name is None:
            continue
        if wrong := label_1123(name.text()):
            raise name.problem(f"the container name {name.shown} {wrong}", "the API server refuses it")
        first = seen.setdefault(name.text(), name)
        if first is not name:
            raise name.problem(f"the container {name.text()} is given twice, first in line {first.location.line}")


def without_owned(resources: Iterable[Resource]) -> tuple[list[Resource], list[Notice], Owners]:
    """The resources but for those whose controller is among them, as a cluster's own listing has them.

    A Deployment's ReplicaSets and their pods are the pods of that Deployment; notices say what is left out. Of what
    stays the controllers that are not there are told, by kind, namespace and name.
    """
    several = list(resources)
    there = {(one.kind, one.namespace, one.name) for one in several if one.kind in FORMS}
    kept, told = [], []
    others: dict[tuple[str, str, str], tuple[str, str]] = {}
    for one in several:
        owner = _controller(one) if one.kind in FORMS else None
        if owner is not None and (owner[0], one.namespace, owner[1]) in there:
            told.append(
                Notice(
                    one.location, f"{one} belongs to {owner[0]} {owner[1]}, which is read: left out", Topic.RUN_ALONE
                )
            )
        else:
            kept.append(one)
            if owner is not None:
                others[one.kind, one.namespace, one.name] = owner
    return kept, told, others


def _controller(resource: Resource) -> tuple[str, str] | None:
    try:
        metadata = resource.body.get("metadata")
        for reference in metadata.list("ownerReferences") if metadata else ():
            flag = reference.get("controller")
            if flag is not None and flag.data is True:
                return reference.need("kind").text(), reference.need("name").text()
    except ManifestError:
        return None
    return None


def distinct(workloads: Iterable[Workload]) -> tuple[Workload, ...]:
    """Workloads with a name of their own each: a Pod and a Deployment may share one in a cluster."""
    several = list(workloads)
    taken = {one.key for one in several if one.kind == "Deployment"}
    found = []
    for one in several:
        name = one.name
        if one.kind != "Deployment":
            while f"{one.namespace}/{name}" in taken:
                name = f"{name}-{one.kind.lower()}"
            taken.add(f"{one.namespace}/{name}")
        found.append(one if name == one.name else replace(one, name=name))
    return tuple(found)
