"""Which ports a workload has to listen on."""

from __future__ import annotations

from collections.abc import Iterator

from meshproof.mesh.model.index import grouped
from meshproof.mesh.model.kubernetes import Service, Workload
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.names import covers
from meshproof.mesh.model.security.pod_certificate import names_of
from meshproof.mesh.model.traffic_policy.client_tls import ORIGINATING

MACHINES = ("WorkloadEntry", "WorkloadGroup")


def ports(mesh: Mesh, workload: Workload) -> list[int]:
    """Those that it names, and, for one that names none or is no pod, those that its services send to."""
    named = list(dict.fromkeys(port.number for port in workload.ports))
    if named and workload.kind not in MACHINES:
        return named
    found = mesh.once(("listening", "selecting"), lambda: grouped(_selecting(mesh)))
    selecting = [service for service in found.get(workload.key, ()) if service.namespace == workload.namespace]
    called = {one.target for service in selecting for one in service.ports if isinstance(one.target, int)}
    return sorted({*named, *called})


def names(mesh: Mesh, workload: Workload) -> tuple[str, ...]:
    """The names that it shows a certificate for: hosts outside of the mesh, and Services that are called in TLS."""
    found = mesh.once(("listening", "selecting"), lambda: grouped(_selecting(mesh)))
    several = (one for one in found.get(workload.key, ()) if one.hostname or _is_called_in_tls(mesh, one))
    return tuple(dict.fromkeys(name for one in several for name in names_of(one.host)))


def _is_called_in_tls(mesh: Mesh, service: Service) -> bool:
    """Whether a rule has proxies speak TLS to its pods."""
    plain, patterns = mesh.once(("listening", "originating"), lambda: _originating(mesh))
    return service.host in plain or any(covers(pattern, service.host) for pattern in patterns)


def _originating(mesh: Mesh) -> tuple[frozenset[str], frozenset[str]]:
    """The hosts, and the patterns, of the rules that have proxies speak TLS."""
    hosts = {
        rule.host
        for rule in mesh.destination_rules
        if any(policy.tls and policy.tls.mode in ORIGINATING for policy, _ in rule.policies)
    }
    patterns = frozenset(host for host in hosts if host.startswith("*"))
    return frozenset(hosts - patterns), patterns


def _selecting(mesh: Mesh) -> Iterator[tuple[str, Service]]:
    for service in mesh.services:
        for workload in mesh.behind(service):
            yield workload.key, service
