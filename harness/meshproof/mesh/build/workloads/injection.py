"""Whether pods get a sidecar.

What a pod says counts beside its namespace (istio/istio pkg/kube/inject/inject.go), but in one whose label is
`disabled`: no webhook is called there (manifests/charts/istio-control/istio-discovery, mutatingwebhook.yaml).
"""

from __future__ import annotations

from meshproof.manifest.resource import Resource
from meshproof.manifest.value import Value
from meshproof.mesh.build.workloads.at import at
from meshproof.mesh.build.workloads.workload import FORMS, asked_for
from meshproof.mesh.model.ambient import INJECTION


def is_closed(namespace: Resource) -> bool:
    """Whether istiod's injector leaves the pods of a Namespace as they are, whatever they ask for."""
    return _said(at(namespace.body, ("metadata", "labels", INJECTION))) == "disabled"


def without_sidecar(resource: Resource | None, closed: bool) -> bool:
    """Whether istiod's injector leaves the pods of a workload as they are; `closed` is what their namespace says."""
    template = at(resource.body, FORMS[resource.kind].template) if resource and resource.kind in FORMS else None
    return template is not None and (closed or asked_for(template) == "false")


def _said(value: Value | None) -> str:
    return value.text() if value and isinstance(value.data, str) else ""
