"""Which Ingresses istiod serves, and by which pods.

What istiod does: pilot/pkg/config/kube/ingress/virtualservices.go (shouldProcessIngressWithClass), gateways.go
(getIngressGatewaySelector); defaults: pkg/config/mesh/mesh.go.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from meshproof.manifest.resource import Resource
from meshproof.manifest.value import Value
from meshproof.mesh.model.kubernetes import Labels
from meshproof.records import dataclass

CLASS = "kubernetes.io/ingress.class"
BY_DEFAULT = "ingressclass.kubernetes.io/is-default-class"
OFF, DEFAULT, STRICT = "OFF", "DEFAULT", "STRICT"
INGRESS_GATEWAY = "istio-ingressgateway"


@dataclass(frozen=True, slots=True)
class Setting:
    """What the mesh's configuration says of Ingresses: of which class, and whether those of none count.

    `classes` are istiod's own IngressClasses, and `by_default` tells that one of them is for Ingresses of no class.
    """

    mode: str
    own: str
    label: str
    classes: frozenset[str] = frozenset()
    by_default: bool = False

    @property
    def selector(self) -> Labels:
        """The labels of the pods that serve them."""
        return {"istio": self.label}


def setting(given: Mapping[str, Any], foreign: Iterable[Resource]) -> Setting:
    """What the mesh's configuration and the IngressClasses among these objects say."""
    service = given.get("ingressService") or INGRESS_GATEWAY
    selected = given.get("ingressSelector") or (service if service != INGRESS_GATEWAY else "ingressgateway")
    known = [one for one in foreign if one.kind == "IngressClass"]
    return Setting(
        given.get("ingressControllerMode") or STRICT,
        given.get("ingressClass") or "istio",
        selected,
        frozenset(one.name for one in known),
        any(_annotation(one.body, BY_DEFAULT) == "true" for one in known),
    )


def not_ours(body: Value, setting: Setting) -> str:
    """Why istiod leaves an Ingress to another controller; empty where it serves it, or may."""
    if setting.mode == OFF:
        return "the mesh's configuration has istiod serve no Ingress (ingressControllerMode OFF)"
    if said := _annotation(body, CLASS):
        return "" if said == setting.own else f"it is of class {said}, and istiod serves {setting.own}"
    if named := _text(body.get("spec"), "ingressClassName"):
        # With DEFAULT those of a class that no cluster knows are served as those of none.
        ours = setting.mode == DEFAULT or named in {setting.own, *setting.classes}
        return "" if ours else f"it is of class {named}, which is another controller's"
    if setting.mode == DEFAULT or setting.by_default:
        return ""
    return "it is of no class, and istiod serves those of its own alone"


def untold(body: Value, setting: Setting) -> str:
    """Why it is not known whether istiod serves an Ingress that it may serve; empty where it does."""
    if _annotation(body, CLASS):
        return ""
    named = _text(body.get("spec"), "ingressClassName")
    if named and not setting.classes & {named}:
        return f"no IngressClass {named} of istiod's is among these manifests: whether it serves this is not known"
    if not named and setting.mode != DEFAULT:
        return "a cluster gives it the default IngressClass as it is made; one that was there before has none"
    return ""


def _annotation(body: Value, name: str) -> str:
    metadata = body.get("metadata")
    return _text(metadata.get("annotations") if metadata else None, name)


def _text(holder: Value | None, name: str) -> str:
    found = holder.get(name) if holder else None
    return found.text() if found and found.data is not None else ""
