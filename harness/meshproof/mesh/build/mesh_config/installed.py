"""The gateways that IstioOperators install: which pods serve Gateways, and in which namespace they stand.

Source: istio/istio operator/pkg/component/component.go (Get), and the charts manifests/charts/gateways.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from meshproof.errors import ManifestError
from meshproof.manifest.resource import Resource
from meshproof.manifest.value import Value
from meshproof.mesh.build.kubernetes import labels
from meshproof.mesh.build.mesh_config.document import OPERATOR
from meshproof.mesh.model.kubernetes import ROOT_NAMESPACE, Workload
from meshproof.mesh.model.mesh import Mesh

COMPONENTS = {"ingressGateways": "ingressgateway", "egressGateways": "egressgateway"}


def with_gateways(mesh: Mesh, foreign: Iterable[Resource]) -> Mesh:
    """The mesh with the gateways of all IstioOperators but those that it has already."""
    there = {one.key for one in mesh.workloads}
    found = {one.key: one for resource in foreign if resource.kind == OPERATOR for one in _gateways(resource)}
    new = tuple(one for key, one in found.items() if key not in there)
    return replace(mesh, workloads=(*mesh.workloads, *new)) if new else mesh


def _gateways(resource: Resource) -> Iterator[Workload]:
    spec = resource.body.get("spec")
    components = spec.get("components") if spec else None
    metadata = resource.body.get("metadata")
    own = metadata.get("namespace") if metadata else None
    try:
        for component, name in COMPONENTS.items():
            for value in components.list(component) if components else ():
                yield from _gateway(value, name, own.text() if own else ROOT_NAMESPACE)
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
