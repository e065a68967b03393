"""Objects that might have had a say in a request and have none: hidden, elsewhere, or behind another one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from meshproof.explain.context import Context
from meshproof.explain.explanation import Object
from meshproof.explain.misses import worded
from meshproof.language.words import Words
from meshproof.mesh.model.kubernetes import ROOT_NAMESPACE, Service
from meshproof.mesh.model.names import covers, specificity
from meshproof.mesh.model.virtual_service import MESH_GATEWAY, VirtualService
from meshproof.mesh.predict import visibility
from meshproof.mesh.predict.called import asked_service
from meshproof.mesh.predict.entries import considered
from meshproof.mesh.predict.gateways.servers import common_hosts, open_to
from meshproof.mesh.predict.match import Client
from meshproof.mesh.predict.mesh_table import Table
from meshproof.mesh.predict.policies import destination_rules


def beside(context: Context, table: Table, having: Sequence[VirtualService]) -> Iterator[Object]:
    """VirtualServices for the host, DestinationRules for the destinations, and Services of the same name.

    `having` are the VirtualServices whose rules stand in the table.
    """
    mesh, request = context.mesh, context.request
    names = {request.domain, *([table.domain] if table.domain else [])}
    meant = None if request.gateway else asked_service(mesh, request, context.client.namespace)
    names |= {meant.host} if meant else set()
    for one in mesh.virtual_services:
        named = [host for host in one.hosts if any(covers(host, name) for name in names)]
        if named and not any(each is one for each in having):
            why = "" if request.is_tcp or meant is None else _unread(context, meant)
            why = why or _why_not(context, one, named, table, having)
            yield Object(context.written.called(one.location), one.location, why)
    yield from _rules(context)
    if meant is not None:
        yield from _namesakes(context, meant)


def _unread(context: Context, meant: Service) -> str:
    """Why no rule for HTTP has a say, where the port that is called passes on what comes; empty where it reads it."""
    called = (port for port in meant.ports if port.number == context.request.port)
    port = next(called, None)
    if port is None or port.is_http:
        return ""
    words = context.words
    return words(
        "its rules are for HTTP, and port {port} of {service} speaks {protocol}",
        port=port.number,
        service=meant.called,
        protocol=port.protocol,
    )


def _why_not(
    context: Context, one: VirtualService, named: Sequence[str], table: Table, having: Sequence[VirtualService]
) -> str:
    client, words = context.client, context.words
    if not visibility.sees(client.namespace, one.export_to, one.namespace):
        return _hidden(one.export_to, client, words)
    gateways = [client.gateway, *(each for other in having for each in other.gateways)]
    bound = [each for each in one.gateways if each in gateways and (each != MESH_GATEWAY or client.gateway == each)]
    if not bound and client.gateway == MESH_GATEWAY:
        return words("is for {gateways}, not for clients within the mesh", gateways=_gateways(one, words))
    if not bound:
        own = _gateways(one, words)
        return words("is for {gateways}, not for Gateway {gateway}", gateways=own, gateway=client.gateway)
    if context.request.is_tcp:
        return words("has no rule for such a connection, or another one comes before it")
    entries = [entry.kept_from for entry in considered(one, client)]
    if entries and all(entries):
        first = next(miss for miss in entries if miss)
        return words("none of its rules is for this client: {why}", why=worded(first, words))
    if not one.http and one.left_out:
        return words("has none of the rules that it delegates: {why}", why="; ".join(one.left_out))
    if not one.http:
        return words("has no rules for HTTP")
    best = max(named, key=specificity)
    if having and table.domain and specificity(best) < specificity(table.domain):
        return words("names it by {host} alone, and {other} fits better", host=best, other=table.domain)
    if table.servers and not _served(table, named):
        return words("no server that takes the request has a host of it")
    if table.servers and not _served(table, named, one.namespace):
        place = one.namespace
        return words("no server that takes the request is open to VirtualServices of {namespace}", namespace=place)
    if one.gateway_api:
        return words("is for clients of its own namespace, or of its Service's")
    if having:
        first_ = having[0]
        older = first_.created and (not one.created or first_.created < one.created)
        other = context.written.called(first_.location)
        if older:
            return words("{other} names the same host and is older: it alone decides", other=other)
        return words("{other} names the same host and comes first: it alone decides", other=other)
    return words("does not decide for such requests to this host and port")


def _served(table: Table, named: Sequence[str], namespace: str | None = None) -> bool:
    """Whether a server that takes the request has one of these hosts, and has it for a namespace if one is given."""
    opened = [open_to(one, namespace) if namespace is not None else one.hosts for one in table.servers]
    return any(common_hosts((host for several in opened for host in several), tuple(named)))


def _hidden(export_to: Sequence[str], client: Client, words: Words) -> str:
    spaces = ", ".join(export_to)
    return words("exportTo [{spaces}] hides it from namespace {own}", spaces=spaces, own=client.namespace)


def _gateways(one: VirtualService, words: Words) -> str:
    several = [words("the mesh") if name == MESH_GATEWAY else f"Gateway {name}" for name in one.gateways]
    return words(" and ").join(several)


def _rules(context: Context) -> Iterator[Object]:
    """DestinationRules for the hosts that a request goes to, that do not count."""
    mesh, expectation, client, words = context.mesh, context.expectation, context.client, context.words
    hosts = [*(one.host for one in expectation.arms), *(one.host for one in expectation.copies)]
    for host in filter(None, dict.fromkeys(hosts)):
        service = visibility.service(mesh, host, client.namespace) or mesh.service(host)
        if service is None:
            continue
        counting = destination_rules.rules(mesh, service, client.namespace, client.labels)
        for rule in mesh.destination_rules:
            if covers(rule.host, host) and not any(one is rule for one in counting):
                first = counting[0] if counting else None
                why = words("{other} counts in its place", other=first.called) if first else ""
                if rule.export_to and not visibility.sees(client.namespace, rule.export_to, rule.namespace):
                    why = _hidden(rule.export_to, client, words)
                elif rule.selector is not None:
                    why = words("its workloadSelector is for other clients")
                elif rule.namespace not in {client.namespace, service.namespace, ROOT_NAMESPACE}:
                    places = dict.fromkeys((client.namespace, service.namespace, ROOT_NAMESPACE))
                    why = words(
                        "rules for {service} count in the namespaces {places} alone",
                        service=service.called,
                        places=words(" or ").join(places),
                    )
                why = why or words("does not count for this client")
                yield Object(context.written.called(rule.location), rule.location, why)


def _namesakes(context: Context, meant: Service) -> Iterator[Object]:
    client, words = context.client, context.words
    for one in context.mesh.services_called(meant.name):
        if one is not meant:
            own = client.namespace
            why = words("has the same name; a client of {namespace} calls it {name}", namespace=own, name=one.called)
            if not visibility.sees(client.namespace, one.export_to, one.namespace):
                why = words("has the same name, and is not exported to {namespace}", namespace=own)
            yield Object(f"Service {one.namespace}/{one.name}", one.location, why)
