"""What is applied otherwise than specified, and no request shows.

Pods answer with mutual TLS of the mesh as without, a gateway whose pods no manifest tells of is there for whatever its
Gateway selects, and what nobody specified nobody asks for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from meshproof.errors import Location
from meshproof.mesh.coverage.called_otherwise import called_otherwise
from meshproof.mesh.coverage.configured_otherwise import configured_otherwise
from meshproof.mesh.coverage.injected_otherwise import injected_otherwise
from meshproof.mesh.coverage.passing_on import passed_on_otherwise
from meshproof.mesh.model.kubernetes import Labels, Service
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.traffic_policy.client_tls import PLAIN
from meshproof.mesh.model.unmodelled import Asked, Called, Entering, PlainText, Pods, Role, Unmodelled
from meshproof.run.verification.applied.serving import NEEDS, served_otherwise

Said = Mapping[tuple[str, str, str], Location]


def unseen(specified: Mesh, applied: Mesh) -> Iterator[Unmodelled]:
    """Each such difference, at the place where one side says what the other does not."""
    wanted, actual = _said(specified), _said(applied)
    yield from _beside(actual, wanted, "is applied and not specified")
    yield from _beside(wanted, actual, "is specified and not applied")
    yield from _selecting(specified, applied)
    yield from served_otherwise(specified, applied)
    yield from passed_on_otherwise(specified, applied)
    yield from called_otherwise(specified, applied)
    yield from configured_otherwise(specified, applied)
    yield from injected_otherwise(specified, applied)
    yield from _unasked(specified, applied)
    yield from _bypassing(specified, applied)


def _unasked(specified: Mesh, applied: Mesh) -> Iterator[Unmodelled]:
    """What is applied of a specified Service and asked for by nothing that is specified."""
    for ours in applied.services:
        name = f"Service {ours.namespace}/{ours.name}"
        for theirs in specified.services_of(ours.host):
            known = {one.number for one in theirs.ports}
            for port in ours.ports if theirs.namespace == ours.namespace else ():
                if port.number not in known:
                    why = f"port {port.number} is applied, and not specified: nothing is sent there"
                    reach = (Called((ours.host,), port.number),)
                    yield Unmodelled("Service", name, port.location, why, reach, NEEDS)
    yield from _further_addresses(specified, applied)
    for theirs in specified.aliases:
        there = applied.alias(theirs.host)
        if specified.knows(specified.stands_for(theirs.host)) or (there and there.alias_of == theirs.alias_of):
            continue
        place = there or next(iter(applied.services_of(theirs.host)), theirs)
        why = f"an ExternalName for {theirs.alias_of} is specified, and {_told(there, place is not theirs)} is applied"
        name = f"Service {theirs.namespace}/{theirs.name}"
        reach = (Called((theirs.host,)),)
        yield Unmodelled("Service", name, place.location, f"{why}: nothing is sent there", reach, NEEDS)


def _further_addresses(specified: Mesh, applied: Mesh) -> Iterator[Unmodelled]:
    """Addresses of ServiceEntries that clients call and nobody specified."""
    for ours in applied.services if any(one.addresses for one in applied.services) else ():
        known = {address for theirs in specified.services_of(ours.host) for address in theirs.addresses}
        for address in ours.addresses if specified.services_of(ours.host) else ():
            if address not in known:
                why, reach = f"the address {address} is applied, and not specified", (Asked((address,)),)
                name = f"ServiceEntry for {ours.host}"
                yield Unmodelled("ServiceEntry", name, ours.location, f"{why}: nothing asks for it", reach, NEEDS)


def _bypassing(specified: Mesh, applied: Mesh) -> Iterator[Unmodelled]:
    """Pods that have a sidecar for what they send in one of the two alone."""
    for ours in applied.workloads:
        theirs = specified.workload(ours.key)
        if theirs is not None and theirs.kind == ours.kind and theirs.bypass != ours.bypass:
            how = "is applied, and not specified" if ours.bypass else "is specified, and not applied"
            why = f"{how}: {ours.bypass or theirs.bypass}"
            reach = (Pods(ours.namespace, ours.labels, frozenset({Role.SENDS})), PlainText(ours.namespace))
            name = f"{ours.kind} {ours.namespace}/{ours.name}"
            yield Unmodelled(ours.kind, name, ours.location, f"it {why}", reach, NEEDS)


def _told(alias: Service | None, there: bool) -> str:
    return f"one for {alias.alias_of}" if alias else "a Service of its own" if there else "none"


def _selecting(specified: Mesh, applied: Mesh) -> Iterator[Unmodelled]:
    """Gateways for other pods than specified."""
    for ours in applied.gateways:
        theirs = specified.gateway(ours.key)
        if theirs is not None and not ours.listener and ours.selector != theirs.selector:
            why = f"it selects {_labels(ours.selector)}, and {_labels(theirs.selector)} is specified"
            touched = (Entering(ours.key),)
            yield Unmodelled("Gateway", f"Gateway {ours.key}", ours.location, why, touched, NEEDS)


def _labels(selector: Labels) -> str:
    return ", ".join(f"{name}: {value}" for name, value in selector.items()) or "all gateways"


def _beside(ours: Said, theirs: Said, what: str) -> Iterator[Unmodelled]:
    for key, place in ours.items():
        if key not in theirs:
            kind, name, mode = key
            why = f"{mode} {what}: no request shows whether connections carry mutual TLS"
            yield Unmodelled(kind, f"{kind} {name}", place, why, (PlainText(""),), NEEDS)


def _said(mesh: Mesh) -> Said:
    """What is said of mutual TLS (kind, whose, and what), with its place."""
    found: dict[tuple[str, str, str], Location] = {}
    for rule in mesh.destination_rules:
        for policy, port in rule.policies:
            # ISTIO_MUTUAL is told wherever it stands, but for the name that it asks a gateway for.
            if policy.tls and (policy.tls.mode == PLAIN or (policy.tls.is_of_the_mesh and policy.tls.sni)):
                at = f" on port {port}" if port else ""
                asking = f" with sni {policy.tls.sni}" if policy.tls.sni else ""
                key = "DestinationRule", f"{rule.namespace}/{rule.name}", f"tls {policy.tls.mode}{asking}{at}"
                found.setdefault(key, policy.tls.location or rule.location)
    for one in mesh.peer_authentications:
        name = f"{one.namespace}/{one.name}"
        found.setdefault(("PeerAuthentication", name, one.mode.value), one.location)
        for port, mode in one.ports.items():
            found.setdefault(("PeerAuthentication", name, f"{mode.value} on port {port}"), one.location)
    return found
