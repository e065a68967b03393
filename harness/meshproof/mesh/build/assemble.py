"""Resources to a Mesh."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from meshproof.errors import ManifestError
from meshproof.manifest.resource import Notice, Resource
from meshproof.mesh.build import kubernetes, virtual_service
from meshproof.mesh.build.destination_rule import destination_rule
from meshproof.mesh.build.gateway import gateway
from meshproof.mesh.build.findings import Findings
from meshproof.mesh.model.destination_rule import DestinationRule
from meshproof.mesh.model.gateway import Gateway
from meshproof.mesh.model.kubernetes import Secret, Service, Workload
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.virtual_service import VirtualService
from meshproof.mesh.model.names import covers

BUILDERS = {
    "Service": kubernetes.service,
    "Deployment": kubernetes.workload,
    "Secret": kubernetes.secret,
    "VirtualService": virtual_service.virtual_service,
    "DestinationRule": destination_rule,
    "Gateway": gateway,
}


@dataclass(frozen=True, slots=True)
class Built:
    """A mesh, and what of its manifests has no effect in it."""

    mesh: Mesh
    notices: tuple[Notice, ...]


def build(resources: Iterable[Resource]) -> Built:
    """The mesh that these resources describe; raises ManifestError with everything that istiod would refuse."""
    findings = Findings()
    parts: list[object] = []
    for resource in resources:
        if resource.kind not in BUILDERS:
            continue
        with findings.gather():
            part = BUILDERS[resource.kind](resource, findings)
            if part is not None:
                parts.append(part)
    if findings.problems:
        raise ManifestError(*findings.problems)
    mesh = Mesh(
        services=tuple(part for part in parts if isinstance(part, Service)),
        workloads=tuple(part for part in parts if isinstance(part, Workload)),
        virtual_services=tuple(part for part in parts if isinstance(part, VirtualService)),
        destination_rules=tuple(part for part in parts if isinstance(part, DestinationRule)),
        gateways=tuple(part for part in parts if isinstance(part, Gateway)),
        secrets=tuple(part for part in parts if isinstance(part, Secret)),
    )
    _across(mesh, findings)
    return Built(mesh, tuple(dict.fromkeys(findings.notices)))


def _across(mesh: Mesh, findings: Findings) -> None:
    """What only shows when the resources are seen together."""
    known = {gateway.key for gateway in mesh.gateways} | {"mesh"}
    for virtual_service in mesh.virtual_services:
        for name in virtual_service.gateways:
            if name not in known:
                findings.notice(virtual_service.location, f"the gateway {name} is not among these manifests")
    owners: dict[tuple[str, str, str], str] = {}
    for rule in mesh.destination_rules:
        if not any(covers(rule.host, service.host) for service in mesh.services):
            findings.notice(rule.location, f"the host {rule.host} is no Service of these manifests")
        for subset in rule.subsets:
            first = owners.setdefault((rule.namespace, rule.host, subset.name), rule.name)
            if first != rule.name:
                message = f"subset {subset.name} of {rule.host} is also defined by DestinationRule {first}"
                findings.notice(subset.location, f"{message}, which comes first and is the one that counts")
