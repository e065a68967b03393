"""The gateways that IstioOperators install: which pods serve Gateways, and in which namespace they stand.

Source: istio/istio operator/pkg/component/component.go (Get), and the charts manifests/charts/gateways.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from meshproof.errors import ManifestError
from meshproof.manifest.resource import Resource
from meshproof.manifest.value import Value
from meshproof.mesh.build.findings import Findings
from meshproof.mesh.build.kubernetes import labels
from meshproof.mesh.build.mesh_config.document import OPERATOR
from meshproof.mesh.build.proxy_config.annotation import own_proxies
from meshproof.mesh.model.kubernetes import ROOT_NAMESPACE, Workload
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.unmodelled import Everything

COMPONENTS = {"ingressGateways": "ingressgateway", "egressGateways": "egressgateway"}


def with_gateways(mesh: Mesh, foreign: Iterable[Resource], findings: Findings) -> Mesh:
    """The mesh with the gateways of all IstioOperators but those that it has already."""
    there = {one.key for one in mesh.workloads}
    operators = [one for one in foreign if one.kind == OPERATOR]
    found = {one.key: one for resource in operators for one in _gateways(resource, findings)}
    new = tuple(one for key, one in found.items() if key not in there)
    return replace(mesh, workloads=(*mesh.workloads, *new)) if new else mesh


def _gateways(resource: Resource, findings: Findings) -> Iterator[Workload]:
    spec = resource.body.get("spec")
    components = spec.get("components") if spec else None
    metadata = resource.body.get("metadata")
    own = metadata.get("namespace") if metadata else None
    try:
        for component, name in COMPONENTS.items():
            for value in components.list(component) if components else ():
                for one in _gateway(value, name, own.text() if own else ROOT_NAMESPACE):
                    yield one
                    k8s = value.get("k8s")
                    with findings.about(resource, (Everything(),)):
                        annotations = k8s.get("podAnnotations") if k8s else None
                        own_proxies(annotations, one.namespace, one.labels, findings)
    except ManifestError:
        # Nobody installs what istioctl cannot read.
        return


def _gateway(value: Value, name: str, namespace: str) -> Iterator[Workload]:
    enabled, called, place = value.get("enabled"), value.get("name"), value.get("namespace")
    if enabled is not None and not enabled.flag():
        return
    chart = {"app": f"istio-{name}", "istio": name}
    yield Workload(
        called.text() if called else f"istio-{name}",
        place.text() if place else namespace,
        1,
        {**chart, **labels(value, "label")},
        "",
        (),
        value.location,
    )
