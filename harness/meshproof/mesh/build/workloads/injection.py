"""Whether pods get a sidecar.

What a pod says counts beside its namespace (istio/istio pkg/kube/inject/inject.go), but in one whose label is
`disabled`: no webhook is called there (manifests/charts/istio-control/istio-discovery, mutatingwebhook.yaml).
"""

from __future__ import annotations

from collections.abc import Iterable

from meshproof.manifest.resource import Resource
from meshproof.manifest.value import Value
from meshproof.mesh.build.findings import Findings
from meshproof.mesh.build.workloads.at import at
from meshproof.mesh.build.workloads.workload import FORMS, asked_for
from meshproof.mesh.model.ambient import INJECT, INJECTION, REVISION
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.unmodelled import Pods, Role

# What people write who leave the image of a proxy to the injector.
FILLED_IN = "auto"


def is_closed(namespace: Resource) -> bool:
    """Whether istiod's injector leaves the pods of a Namespace as they are, whatever they ask for."""
    return _said(at(namespace.body, ("metadata", "labels", INJECTION))) == "disabled"


def without_sidecar(resource: Resource | None, closed: bool) -> bool:
    """Whether istiod's injector leaves the pods of a workload as they are; `closed` is what their namespace says."""
    template = at(resource.body, FORMS[resource.kind].template) if resource and resource.kind in FORMS else None
    return template is not None and (closed or asked_for(template) == "false")


def unfilled(mesh: Mesh, resources: Iterable[Resource], findings: Findings) -> None:
    """Say which pods do not start: their image is for istiod's injector to fill in, and nothing asks for that.

    Of a namespace that is not among the manifests it is not known.
    """
    own = {one.location: one for one in resources if one.kind in FORMS}
    for pods in mesh.workloads:
        known = pods.namespace in mesh.namespaces and pods.namespace not in mesh.injected
        if pods.image != FILLED_IN or not known or pods.location not in own:
            continue
        template = at(own[pods.location].body, FORMS[pods.kind].template)
        if REVISION in pods.labels or (template is not None and asked_for(template) == "true"):
            continue
        touched = (Pods(pods.namespace, pods.labels, frozenset({Role.RECEIVES, Role.LETS_IN})),)
        with findings.about(own[pods.location], touched):
            why = f"its image {FILLED_IN} is for istiod's injector to fill in, which nothing here asks for"
            findings.unproved(pods.location, why, needs=f"label its pods {INJECT}: 'true'", touches=touched)


def _said(value: Value | None) -> str:
    return value.text() if value and isinstance(value.data, str) else ""
