"""WorkloadEntries and WorkloadGroups: machines that Services and ServiceEntries select as they select pods.

Source: https://istio.io/latest/docs/reference/config/networking/workload-entry/ and workload-group/. Which labels
count: pilot/pkg/serviceregistry/serviceentry/conversion.go (ConvertWorkloadEntry).
"""

from __future__ import annotations

from meshproof.manifest.resource import Resource
from meshproof.mesh.build.findings import Findings
from meshproof.mesh.build.kubernetes import LARGEST_PORT, labels
from meshproof.mesh.build.service_entry.endpoint import endpoint
from meshproof.mesh.model.kubernetes import ContainerPort, Workload
from meshproof.mesh.model.unmodelled import Pods
from meshproof.records import dataclass


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine as a workload; `resolved` by DNS, so that only ServiceEntries with that resolution select it."""

    workload: Workload
    resolved: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """The machines of a WorkloadGroup, which register while the mesh runs."""

    workload: Workload


def workload_entry(resource: Resource, findings: Findings) -> Machine:
    spec = resource.body.need("spec")
    own = {**labels(spec, "labels"), **labels(resource.body.get("metadata"), "labels")}
    with findings.within(Pods(resource.namespace, own)):
        one = endpoint(spec, findings)
    ports = tuple(ContainerPort(number, name) for name, number in one.ports)
    made = Workload(
        resource.name,
        resource.namespace,
        1,
        own,
        "",
        ports,
        resource.location,
        kind=resource.kind,
        locality=one.locality,
        addresses=(one.address,),
        weights=(one.weight,) if one.weight > 1 else (),
    )
    return Machine(made, one.is_named)


def workload_group(resource: Resource, findings: Findings) -> Group:
    spec = resource.body.need("spec")
    template, metadata = spec.need("template", "what each WorkloadEntry of the group is made of"), spec.get("metadata")
    own = {**labels(template, "labels"), **labels(metadata, "labels")}
    with findings.within(Pods(resource.namespace, own)):
        findings.unmodelled(template, "network")
    ports = template.get("ports")
    named = tuple(
        ContainerPort(number.whole(1, LARGEST_PORT), name) for name, number in (ports.fields() if ports else {}).items()
    )
    return Group(Workload(resource.name, resource.namespace, 1, own, "", named, resource.location, kind=resource.kind))
