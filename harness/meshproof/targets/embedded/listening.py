"""Which ports a workload has to listen on, and what it speaks there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from meshproof.mesh.model.kubernetes import Service, ServicePort, Workload
from meshproof.mesh.model.mesh import Mesh, grouped
from meshproof.mesh.model.unmodelled import Called, Unmodelled

TCP = frozenset({"tcp", "mongo", "mysql", "redis"})
Leading = tuple[Service, ServicePort, int]
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


def tcp_ports(mesh: Mesh, workload: Workload) -> list[int]:
    """Those of them that speak no HTTP: all that call them are TCP ports of Services."""
    spoken: dict[int, set[bool]] = {}
    for _, port, number in _called(mesh, workload):
        spoken.setdefault(number, set()).add(port.protocol in TCP)
    return sorted(number for number, kinds in spoken.items() if kinds == {True})


def both_spoken(mesh: Mesh) -> Iterator[Unmodelled]:
    """TCP ports of Services that lead to a port of a pod which others call by HTTP: no probe speaks both."""
    for workload in mesh.workloads if _is_any_tcp(mesh) else ():
        tcp = tcp_ports(mesh, workload)
        for service, port, number in _called(mesh, workload):
            if port.protocol in TCP and number not in tcp:
                why = f"port {port.number} leads to port {number} of {workload.key}, which is called by HTTP as well"
                name = f"Service {service.namespace}/{service.name}"
                touched = (Called((service.host,), port.number),)
                yield Unmodelled("Service", name, port.location, why, touched, "give each its own port")


def _is_any_tcp(mesh: Mesh) -> bool:
    return any(port.protocol in TCP for service in mesh.services for port in service.ports)


def _selecting(mesh: Mesh) -> Iterator[tuple[str, Service]]:
    for service in mesh.services:
        for workload in mesh.behind(service):
            yield workload.key, service


def _called(mesh: Mesh, workload: Workload) -> Sequence[Leading]:
    """The Services' ports that lead to a workload, with the number of the port that each leads to."""
    found = mesh.once(("listening", "called"), lambda: grouped(_leading(mesh)))
    return found.get(workload.key, ())


def _leading(mesh: Mesh) -> Iterator[tuple[str, Leading]]:
    for service in mesh.services:
        for workload in mesh.behind(service):
            for port in service.ports:
                number = _number(service, port, workload)
                if number is not None:
                    yield workload.key, (service, port, number)


def _number(service: Service, port: ServicePort, workload: Workload) -> int | None:
    target = port.name if workload.endpoint_of else port.target
    named = {one.name: one.number for one in reversed(workload.ports)}
    number = target if isinstance(target, int) else named.get(target)
    return named.get(port.name, number) if service.hostname else number
