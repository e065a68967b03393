"""Which requests an Ingress can touch, and why most can touch none.

What istiod does: pilot/pkg/config/kube/ingress/virtualservices.go (shouldProcessIngressWithClass), gateways.go
(convertIngressV1alpha3, getIngressGatewaySelector); defaults: pkg/config/mesh/mesh.go.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Set

from meshproof.errors import ManifestError
from meshproof.manifest.resource import Resource
from meshproof.manifest.value import Value
from meshproof.mesh.model.kubernetes import ROOT_NAMESPACE
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.unmodelled import Asked, Entering, Touches
from meshproof.records import dataclass

CLASS = "kubernetes.io/ingress.class"
CURRENT = "networking.k8s.io/v1"
GROUPS = ("networking.k8s.io", "extensions")
GONE = "no cluster since Kubernetes 1.22 takes {}, so it is not there"
OFF, DEFAULT, STRICT = "OFF", "DEFAULT", "STRICT"
INGRESS_GATEWAY = "istio-ingressgateway"
PORT, SECURE_PORT = 80, 443


@dataclass(frozen=True, slots=True)
class Setting:
    """What the mesh's configuration says of Ingresses: of which class, and whether those of none count."""

    mode: str
    own: str
    label: str


def is_ingress(resource: Resource) -> bool:
    """Whether it is one of Kubernetes: other projects have a kind of that name, too."""
    return resource.kind == "Ingress" and resource.api_version.rpartition("/")[0] in GROUPS


def reach(resource: Resource, mesh: Mesh, classes: Set[str]) -> tuple[tuple[Touches, ...], str]:
    """The requests that it can touch, or why there are none; `classes` are istiod's own IngressClasses."""
    if resource.api_version != CURRENT:
        return (), GONE.format(f"{resource.api_version} {resource.kind}")
    setting = _setting(mesh)
    try:
        if why := _not_ours(resource.body, setting, classes):
            return (), why
        hosts, secured = _hosts(resource.body.get("spec"))
    except ManifestError:
        hosts, secured = ("*",), True
    several = [one for one in mesh.gateways if one.selector.get("istio", setting.label) == setting.label]
    keys = tuple(dict.fromkeys(one.called for one in several))
    if not keys:
        # Nothing here enters by it: what it opens is all that nobody shows.
        return (Asked(hosts, (f"{ROOT_NAMESPACE}/{setting.label}",)),), ""
    # In TLS its servers stand beside those of the port, whose hosts they may take over.
    entering = tuple(Entering(key, SECURE_PORT) for key in keys) if secured else ()
    return (Asked(hosts, keys), *entering), ""


def _setting(mesh: Mesh) -> Setting:
    given = json.loads(mesh.config.given) if mesh.config.given else {}
    service = given.get("ingressService") or INGRESS_GATEWAY
    selected = given.get("ingressSelector") or (service if service != INGRESS_GATEWAY else "ingressgateway")
    return Setting(given.get("ingressControllerMode") or STRICT, given.get("ingressClass") or "istio", selected)


def _not_ours(body: Value, setting: Setting, classes: Set[str]) -> str:
    """Why istiod leaves it to another controller; empty where it serves it."""
    if setting.mode == OFF:
        return "the mesh's configuration has istiod serve no Ingress (ingressControllerMode OFF)"
    metadata, spec = body.get("metadata"), body.get("spec")
    annotations = metadata.get("annotations") if metadata else None
    if said := annotations.get(CLASS) if annotations else None:
        return "" if said.text() == setting.own else f"it is of class {said.text()}, and istiod serves {setting.own}"
    if named := spec.get("ingressClassName") if spec else None:
        ours = named.text() in {setting.own, *classes}
        return "" if ours else f"it is of class {named.text()}, which is another controller's"
    return "" if setting.mode == DEFAULT else "it is of no class, and istiod serves those of its own alone"


def _hosts(spec: Value | None) -> tuple[tuple[str, ...], bool]:
    """The hosts of its rules (all, where one names none), and whether it has servers of TLS."""
    rules = spec.list("rules") if spec else ()
    hosts = [host.text().lower() if (host := one.get("host")) and host.data else "*" for one in rules]
    if not hosts or (spec and (spec.get("defaultBackend") or spec.get("backend"))):
        hosts.append("*")
    return tuple(dict.fromkeys(hosts)), bool(spec and spec.list("tls"))


def classes(foreign: Iterable[Resource]) -> frozenset[str]:
    """The names of the IngressClasses that are istiod's own."""
    return frozenset(one.name for one in foreign if one.kind == "IngressClass")
