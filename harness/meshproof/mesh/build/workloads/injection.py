"""Whether pods get a sidecar.

Of a pod the label counts before the annotation, and the namespace's last: istio/istio pkg/kube/inject/inject.go.
"""

from __future__ import annotations

from meshproof.manifest.resource import Resource
from meshproof.manifest.value import Value
from meshproof.mesh.build.workloads.workload import FORMS, at

INJECT, NAMESPACE_INJECT = "sidecar.istio.io/inject", "istio-injection"


def is_closed(namespace: Resource) -> bool:
    """Whether istiod's injector leaves the pods of a Namespace as they are, unless they ask for a sidecar."""
    return _said(at(namespace.body, ("metadata", "labels", NAMESPACE_INJECT))) == "disabled"


def without_sidecar(resource: Resource | None, closed: bool) -> bool:
    """Whether istiod's injector leaves the pods of a workload as they are; `closed` is what their namespace says."""
    template = at(resource.body, FORMS[resource.kind].template) if resource and resource.kind in FORMS else None
    if template is None:
        return False
    network = at(template, ("spec", "hostNetwork"))
    if network and network.data is True:
        return True
    said = [_said(at(template, ("metadata", holder, INJECT))) for holder in ("labels", "annotations")]
    return (next((one for one in said if one), "") or ("false" if closed else "")) == "false"


def _said(value: Value | None) -> str:
    return value.text() if value and isinstance(value.data, str) else ""
