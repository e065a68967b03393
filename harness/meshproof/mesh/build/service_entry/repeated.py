"""Addresses that stand behind a host more than once: Envoy calls each address and port as one host, by its first entry.

Those that it looks up itself (resolution DNS) stay apart. istiod passes all on (tried on Envoy 1.40.0; its source,
`extensions/clusters/eds/eds.cc`: duplicate hosts).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from meshproof.mesh.build.findings import Findings
from meshproof.mesh.build.service_entry.endpoint import Endpoint
from meshproof.mesh.build.service_entry.entry import RESOLVED, Entry
from meshproof.mesh.build.service_entry.workloads import Machine
from meshproof.mesh.model.unmodelled import Called, Pods, Role, Unmodelled

FIX = "give each address once"


def distinct(entry: Entry, several: Sequence[Endpoint]) -> Sequence[Endpoint]:
    """Endpoints that differ in nothing but address and weight, each address once."""
    if entry.resolution in RESOLVED:
        return several
    found: dict[str, Endpoint] = {}
    for one in several:
        found.setdefault(one.address, one)
    return list(found.values())


def told(entry: Entry, findings: Findings) -> None:
    """Say at which ports one address has endpoints that differ: which of their labels and places count."""
    firsts: dict[tuple[str, int, int], Endpoint] = {}
    for one in entry.endpoints if entry.resolution not in RESOLVED else ():
        said = dict(one.ports)
        for port in entry.ports:
            first = firsts.setdefault((one.address, port.number, said.get(port.name, int(port.target))), one)
            if (first.labels, first.locality) != (one.labels, one.locality):
                why = f"{one.address} stands at {first.location}, too: which of the two counts is not modelled"
                touched = (Called(entry.hosts, port.number),)
                findings.unproved(one.location, why, needs=FIX, touches=touched)


def told_of_machines(machines: Iterable[Machine], findings: Findings) -> None:
    """Say which WorkloadEntries have the address of another one that the same Services may select."""
    firsts: dict[tuple[str, tuple[str, ...]], Machine] = {}
    for one in machines:
        work = one.workload
        first = firsts.setdefault((work.namespace, work.addresses), one)
        if first is not one and any(work.addresses) and work.labels.items() & first.workload.labels.items():
            why = f"its address is that of {first.workload.kind} {first.workload.key}, too: they are not told apart"
            reach = (Pods(work.namespace, work.labels, frozenset({Role.RECEIVES})),)
            name = f"{work.kind} {work.key}"
            findings.unmodelled_parts.append(Unmodelled(work.kind, name, work.location, why, reach, FIX))
