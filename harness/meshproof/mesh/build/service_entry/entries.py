"""What a folder with ServiceEntries adds to a mesh: a destination for each host, and stand-ins for what answers there.

What istiod does: pilot/pkg/serviceregistry/serviceentry/conversion.go, and for several of one host
pilot/pkg/model/push_context.go (initServiceRegistry) and sidecar.go (appendSidecarServices).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace

from meshproof.errors import Location
from meshproof.mesh.build.findings import Findings
from meshproof.mesh.build.kubernetes import labels
from meshproof.mesh.build.service_entry.endpoint import UNIX, Endpoint
from meshproof.mesh.build.service_entry.entry import DYNAMIC, NONE, RESOLVED, UDP, Entry, service_entry, single
from meshproof.mesh.build.service_entry.repeated import distinct, told, told_of_machines
from meshproof.mesh.build.service_entry.workloads import Group, Machine, workload_entry, workload_group
from meshproof.mesh.model.ambient import waypoint
from meshproof.mesh.model.kubernetes import CLUSTER_DOMAIN, OUTSIDE, ContainerPort, Service, Workload
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.names import covers
from meshproof.mesh.model.topic import Topic
from meshproof.mesh.model.unmodelled import Asked, Called, Pods, Role, Unmodelled
from meshproof.mesh.model.virtual_service import MESH_GATEWAY

__all__ = ["join", "service_entry", "workload_entry", "workload_group"]

MOST_STAND_INS = 8
NAMESPACE_WIDE = re.compile(rf"\*\.[^.]+\.{re.escape(CLUSTER_DOMAIN)}")
# What stands in for the hosts of a pattern is called so: a pod's name has no asterisk.
ANY = "any"
UNREGISTERED = "none of its WorkloadEntries is among the manifests: whether a machine has registered is not told"
REGISTERED = "write a WorkloadEntry of its labels, as istiod does for each machine that registers"


def join(mesh: Mesh, parts: Sequence[object], findings: Findings) -> Mesh:
    """The mesh with its ServiceEntries; what stands behind them is stood in for as Deployments are."""
    entries = [part for part in parts if isinstance(part, Entry)]
    entries.sort(key=lambda one: (not one.created, one.created, one.resource.name, one.namespace))
    machines = [part for part in parts if isinstance(part, Machine)]
    told_of_machines(machines, findings)
    workloads = [*mesh.workloads, *(one.workload for one in machines if not one.resolved)]
    groups = [*_unregistered(parts, machines)]
    workloads += groups
    for one in groups:
        reach = (Pods(one.namespace, one.labels, frozenset({Role.RECEIVES})),)
        name = f"{one.kind} {one.namespace}/{one.name}"
        findings.unmodelled_parts.append(Unmodelled(one.kind, name, one.location, UNREGISTERED, reach, REGISTERED))
    services = {(one.host, one.namespace): one for one in mesh.services}
    firsts: dict[tuple[str, str], Entry] = {}
    stood_in: dict[str, Location] = {}
    known: set[str] = set()
    for entry in entries:
        with findings.about(entry.resource, (Called(entry.hosts),)):
            for host in entry.hosts:
                key = _key(entry, host)
                if key not in known:
                    known.add(key)
                    own = [*_endpoints(entry, host, key), *_resolved(entry, machines, key)]
                    workloads += [_named_apart(one, workloads) for one in own]
                    if own:
                        stood_in.setdefault(host, entry.location)
                first = firsts.setdefault((host, entry.namespace), entry)
                if why := _unlike(first, entry):
                    findings.unproved(entry.location, f"{first.resource} has the host {host}, too: {why}")
                _add(mesh, services, _service(entry, host, key), entry, findings)
            _check(entry, findings)
    services = _by_address(entries, services, findings)
    if stood_in:
        text = f"{', '.join(stood_in)}: stood in for, as Deployments are"
        findings.notice(next(iter(stood_in.values())), text, Topic.RUN_ALONE)
    elif machines:
        text = "WorkloadEntries are stood in for, as Deployments are"
        findings.notice(machines[0].workload.location, text, Topic.RUN_ALONE)
    return replace(mesh, services=tuple(services.values()), workloads=tuple(workloads))


def _key(entry: Entry, host: str) -> str:
    """What stands behind a host: the entry's endpoints, or the host itself where proxy or client looks it up."""
    itself = entry.resolution in (NONE, DYNAMIC, *RESOLVED) and not entry.endpoints and entry.selector is None
    return f"{entry.key} {host}" if itself else entry.key


def _service(entry: Entry, host: str, key: str) -> Service:
    return Service(
        host,
        entry.namespace,
        entry.ports,
        entry.selector or {},
        entry.location,
        entry.export_to,
        hostname=host,
        endpoints=(key,),
        alternative_names=entry.alternative_names,
        addresses=entry.addresses,
        own_addresses=entry.own_addresses,
        called_address=entry.resolution == NONE,
        waypoint=waypoint(labels(entry.resource.body.get("metadata"), "labels"), entry.namespace),
        unseen=_unseen(entry),
        distribution=entry.distribution,
    )


def _unseen(entry: Entry) -> tuple[tuple[str, str], ...]:
    """Which connections carry mutual TLS, and whether one address is called of those that DNS tells."""
    said = entry.resource.body.need("spec").get("location")
    names = ", ".join(sorted(entry.alternative_names)) or "none"
    looked_up = (("resolution", entry.resolution),) if entry.resolution in RESOLVED else ()
    return (("location", said.text() if said else OUTSIDE), ("subjectAltNames", names), *looked_up)


def _unlike(first: Entry, other: Entry) -> str:
    """Why it is not known who answers for a host that two ServiceEntries of a namespace have; empty where it is."""
    if first.resolution != other.resolution:
        return f"what becomes of resolution {first.resolution} beside {other.resolution} is not modelled"
    names = {one.number: one.name for one in first.ports}
    twice = [one for one in other.ports if names.get(one.number, one.name) != one.name]
    if twice and first.resolution in RESOLVED:
        return f"whose endpoints stand behind port {twice[0].number}, which has two names, is not modelled"
    return ""


def _add(mesh: Mesh, services: dict[tuple[str, str], Service], new: Service, entry: Entry, findings: Findings) -> None:
    """Put a host in: a Service of its name and namespace takes its endpoints, an older ServiceEntry its ports too."""
    place = (new.host, new.namespace)
    first = services.setdefault(place, new)
    if first is new:
        return
    if not first.hostname and entry.resolution in RESOLVED:
        why = f"a Service has the host {new.host}, too: what a name among its addresses makes of it is not modelled"
        findings.unproved(entry.location, why, touches=(Called((new.host,)),))
    numbers = {one.number for one in first.ports}
    if not first.hostname:
        _listening(mesh, new, numbers, findings)
    alike = first.hostname and (first.selector, set(first.export_to)) == (new.selector, set(new.export_to))
    more = tuple(one for one in new.ports if alike and one.number not in numbers)
    services[place] = replace(
        first, ports=(*first.ports, *more), endpoints=tuple(dict.fromkeys((*first.endpoints, *new.endpoints)))
    )


def _listening(mesh: Mesh, new: Service, numbers: Collection[int], findings: Findings) -> None:
    """Ports of a ServiceEntry that a Service of its host does not have: sidecars listen there, and know no such host.

    What asks for the host, or for another one of a rule for it, gets to that rule all the same.
    """
    for port in (one for one in new.ports if one.number not in numbers):
        routing = [one for one in mesh.virtual_services if any(covers(host, new.host) for host in one.hosts)]
        hosts = dict.fromkeys((new.host, *(host for one in routing for host in one.hosts)))
        why = f"a Service has the host {new.host}, and no port {port.number}: what sidecars do there is not modelled"
        findings.unproved(port.location, why, touches=(Called(tuple(hosts), port.number),))


def _by_address(
    entries: Sequence[Entry], services: dict[tuple[str, str], Service], findings: Findings
) -> dict[tuple[str, str], Service]:
    """The Services; none is called by an address that another host has, too, or that a Service takes over."""
    having = Counter(single(one) for found in services.values() for one in found.addresses)
    apart: dict[tuple[str, str], set[str]] = {}
    for entry in entries:
        place = (entry.hosts[0], entry.namespace)
        for address in entry.own_addresses:
            if having[address] > 1 or address not in services[place].own_addresses:
                apart.setdefault(place, set()).add(address)
                with findings.about(entry.resource, (Asked((address,)),)):
                    why = f"who answers at {address}, which is not this host's alone, is not modelled"
                    findings.unproved(entry.location, why)
    return {place: _without(one, apart.get(place, ())) for place, one in services.items()}


def _without(service: Service, addresses: Collection[str]) -> Service:
    left = tuple(one for one in service.own_addresses if one not in addresses)
    return replace(service, own_addresses=left) if addresses else service


def _check(entry: Entry, findings: Findings) -> None:
    """Say what of a ServiceEntry's hosts is not modelled."""
    hosts = entry.hosts
    if not hosts:
        return
    for host in hosts:
        if NAMESPACE_WIDE.fullmatch(host):
            why = f"clients in the namespace of {host} get * for short, too: Envoy refuses all routes of the port"
            touches = (Asked(("*",), (MESH_GATEWAY,)),)
            findings.unproved(entry.location, why, touches=touches, topic=Topic.ENVOY_REFUSES)
    told(entry, findings)
    if entry.selector is not None and entry.resolution == NONE:
        findings.unproved(entry.location, "a workloadSelector with resolution NONE is not modelled")
    for one in entry.endpoints:
        if one.address.startswith(UNIX):
            why = f"{one.address} is a socket in the client's own pod: who answers there is not known"
            findings.unproved(one.location, why)
    if entry.selector is not None and not entry.selector:
        why = "an empty workloadSelector, which selects the whole namespace"
        findings.unproved(entry.location, why)
    for port in entry.ports:
        if port.protocol == UDP:
            why = f"port {port.name} speaks {port.protocol}, which is not modelled for ServiceEntries"
            findings.unproved(port.location, why, touches=(Called(hosts, port.number),))


def _endpoints(entry: Entry, host: str, key: str) -> Iterator[Workload]:
    """Stand-ins for a host: one for all endpoints of the same labels and place, so that they are told apart."""
    if entry.selector is not None:
        return
    if entry.endpoints:
        groups: dict[tuple[object, ...], list[Endpoint]] = {}
        for one in entry.endpoints:
            groups.setdefault((*sorted(one.labels.items()), one.ports, one.locality), []).append(one)
        for number, several in enumerate(groups.values()):
            name = f"{host}-{number + 1}" if len(groups) > 1 else host
            yield _stand_in(entry, name, key, distinct(entry, several))
    elif entry.resolution in (NONE, DYNAMIC, *RESOLVED):
        yield _stand_in(entry, host, key, [Endpoint(host, (), {}, entry.location)])


def _stand_in(entry: Entry, name: str, key: str, several: Sequence[Endpoint]) -> Workload:
    one, name = several[0], name.replace("*", ANY)
    said = dict(one.ports)
    ports = tuple(ContainerPort(said.get(port.name, int(port.target)), port.name) for port in entry.ports)
    return Workload(
        name,
        entry.namespace,
        min(len(several), MOST_STAND_INS),
        one.labels,
        "",
        ports,
        one.location,
        kind="ServiceEntry",
        endpoint_of=key,
        locality=one.locality,
        addresses=tuple(each.address for each in several),
        weights=tuple(each.weight for each in several) if any(each.weight > 1 for each in several) else (),
    )


def _resolved(entry: Entry, machines: Iterable[Machine], key: str) -> Iterator[Workload]:
    """The selected WorkloadEntries whose address is a name: for those of resolution DNS alone."""
    if not entry.selector or entry.resolution not in RESOLVED:
        return
    for one in machines:
        work = one.workload
        if one.resolved and work.namespace == entry.namespace and entry.selector.items() <= work.labels.items():
            named = {port.name: port.number for port in work.ports}
            ports = tuple(ContainerPort(named.get(port.name, int(port.target)), port.name) for port in entry.ports)
            yield replace(work, ports=ports, endpoint_of=key)


def _unregistered(parts: Sequence[object], machines: Iterable[Machine]) -> Iterator[Workload]:
    """One machine for each WorkloadGroup none of whose WorkloadEntries is among the manifests."""
    known = [one.workload for one in machines]
    for part in parts:
        if isinstance(part, Group):
            group = part.workload
            members = (one for one in known if one.namespace == group.namespace)
            if group.labels and not any(group.labels.items() <= one.labels.items() for one in members):
                yield group


def _named_apart(one: Workload, others: Iterable[Workload]) -> Workload:
    """The workload by a name that no other one of its namespace has."""
    taken = {other.key for other in others}
    while one.key in taken:
        one = replace(one, name=f"{one.name}-endpoint")
    return one
