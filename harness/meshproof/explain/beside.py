"""Objects that might have had a say in a request and have none: hidden, elsewhere, or behind another one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from meshproof.border.expectation import Expectation
from meshproof.explain.explanation import Object
from meshproof.explain.manifests import Written
from meshproof.mesh.model.kubernetes import Service
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.names import covers, specificity
from meshproof.mesh.model.virtual_service import MESH_GATEWAY, VirtualService
from meshproof.mesh.predict import visibility
from meshproof.mesh.predict.called import asked_service
from meshproof.mesh.predict.entries import considered
from meshproof.mesh.predict.match import Client, Miss
from meshproof.mesh.predict.mesh_table import Table
from meshproof.mesh.predict.policies import destination_rules
from meshproof.redaction.credentials import is_credential
from meshproof.redaction.patterns import HIDDEN


def beside(
    mesh: Mesh,
    expectation: Expectation,
    table: Table,
    client: Client,
    having: Sequence[VirtualService],
    written: Written,
) -> Iterator[Object]:
    """VirtualServices for the host, DestinationRules for the destinations, and Services of the same name."""
    names = {expectation.request.domain, *([table.domain] if table.domain else [])}
    meant = None if expectation.request.gateway else asked_service(mesh, expectation.request, client.namespace)
    names |= {meant.host} if meant else set()
    for one in mesh.virtual_services:
        named = [host for host in one.hosts if any(covers(host, name) for name in names)]
        if named and not any(each is one for each in having):
            why = _why_not(one, named, table, client, having)
            yield Object(written.called(one.location), one.location, why)
    yield from _rules(mesh, expectation, client, written)
    if meant is not None:
        yield from _namesakes(mesh, meant, client)


def shown(miss: Miss) -> Miss:
    """The same without the values of a condition on a credential."""
    if not holds_credential(miss):
        return miss
    kind, blank, _ = miss.wanted.partition(" ")
    return replace(miss, wanted=f"{kind}{blank}{HIDDEN if blank else ''}", found=HIDDEN if miss.known else miss.found)


def holds_credential(miss: Miss) -> bool:
    """Whether what it is on is the name of a credential: `headers authorization`."""
    return is_credential(miss.on.rpartition(" ")[2])


def worded(miss: Miss) -> str:
    """What was wanted, and what was found."""
    miss = shown(miss)
    name = f"{miss.on} must {'' if miss.asked else 'not '}be {miss.wanted}"
    if not miss.known:
        return f"{name}, and nobody can tell what it will be ({miss.found})"
    return f"{name}, and is {miss.found!r}" if miss.there else f"{name}, and there is none"


def _why_not(
    one: VirtualService, named: list[str], table: Table, client: Client, having: Sequence[VirtualService]
) -> str:
    if not visibility.sees(client.namespace, one.export_to, one.namespace):
        return f"exportTo [{', '.join(one.export_to)}] hides it from namespace {client.namespace}"
    gateways = [client.gateway, *(each for other in having for each in other.gateways)]
    bound = [each for each in one.gateways if each in gateways and (each != MESH_GATEWAY or client.gateway == each)]
    if not bound and client.gateway == MESH_GATEWAY:
        return f"is for {_gateways(one)}, not for clients within the mesh"
    if not bound:
        return f"is for {_gateways(one)}, not for Gateway {client.gateway}"
    entries = [entry.kept_from for entry in considered(one, client)]
    if entries and all(entries):
        first = next(miss for miss in entries if miss)
        return f"none of its rules is for this client: {worded(first)}"
    if not one.http:
        return "has no rules for HTTP"
    best = max(named, key=specificity)
    if having and table.domain and specificity(best) < specificity(table.domain):
        return f"names it by {best} alone, and {table.domain} fits better"
    if one.gateway_api:
        return "is for clients of its own namespace, or of its Service's"
    if having:
        first_ = having[0]
        older = first_.created and (not one.created or first_.created < one.created)
        why = "is older" if older else "comes first"
        return f"VirtualService {first_.namespace}/{first_.name} names the same host and {why}: it alone decides"
    return "does not decide for such requests to this host and port"


def _gateways(one: VirtualService) -> str:
    several = ["the mesh" if name == MESH_GATEWAY else f"Gateway {name}" for name in one.gateways]
    return " and ".join(several)


def _rules(mesh: Mesh, expectation: Expectation, client: Client, written: Written) -> Iterator[Object]:
    """DestinationRules for the hosts that a request goes to, that do not count."""
    hosts = [*(one.host for one in expectation.arms), *(one.host for one in expectation.copies)]
    for host in filter(None, dict.fromkeys(hosts)):
        service = visibility.service(mesh, host, client.namespace) or mesh.service(host)
        if service is None:
            continue
        counting = destination_rules.rules(mesh, service, client.namespace, client.labels)
        for rule in mesh.destination_rules:
            if covers(rule.host, host) and not any(one is rule for one in counting):
                first = counting[0] if counting else None
                why = f"DestinationRule {first.namespace}/{first.name} counts in its place" if first else ""
                if rule.export_to and not visibility.sees(client.namespace, rule.export_to, rule.namespace):
                    why = f"exportTo [{', '.join(rule.export_to)}] hides it from namespace {client.namespace}"
                elif rule.selector is not None:
                    why = "its workloadSelector is for other clients"
                elif rule.namespace not in {client.namespace, service.namespace, "istio-system"}:
                    places = f"{client.namespace}, {service.namespace} or istio-system"
                    why = f"rules for {service.called} count in the namespaces {places} alone"
                yield Object(written.called(rule.location), rule.location, why or "does not count for this client")


def _namesakes(mesh: Mesh, meant: Service, client: Client) -> Iterator[Object]:
    for one in mesh.services_called(meant.name):
        if one is not meant:
            why = f"has the same name; a client of {client.namespace} calls it {one.called}"
            if not visibility.sees(client.namespace, one.export_to, one.namespace):
                why = f"has the same name, and is not exported to {client.namespace}"
            yield Object(f"Service {one.namespace}/{one.name}", one.location, why)
