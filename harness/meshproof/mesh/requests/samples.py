"""Requests that show what each rule does, for when a person names none.

A sample is only taken when `predict` sends it to the rule that it is for.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import chain, islice

from meshproof.border.expectation import Expectation
from meshproof.border.request import Request, Tls
from meshproof.border.source import DEFAULT_CLIENT, Source
from meshproof.collector import collector_paused
from meshproof.errors import Location
from meshproof.manifest.resource import Notice
from meshproof.mesh.alike import nearest
from meshproof.mesh.model.gateway import Gateway
from meshproof.mesh.model.kubernetes import CLUSTER_DOMAIN
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.topic import Topic
from meshproof.mesh.model.virtual_service import (
    MESH_GATEWAY,
    HttpRoute,
    VirtualService,
)
from meshproof.mesh.predict.mesh_table import HANDSHAKE
from meshproof.mesh.predict.prediction import predict
from meshproof.mesh.predict.proxy.refused import unread
from meshproof.mesh.predict.visibility import sees, virtual_services
from meshproof.mesh.requests.addresses import addresses, kept_out, ports_of, redirecting
from meshproof.mesh.requests.authorization import NOT_FOUND, permitted, shown
from meshproof.mesh.requests.clients.unruled import addressed, uncalled, unruled
from meshproof.mesh.requests.completing import answerable, as_call
from meshproof.mesh.requests.connections import beside, connections, why_unconnected
from meshproof.mesh.requests.matching import requests_of
from meshproof.mesh.requests.overlaps.avoiding import reaching_beyond

MOST_TRIES = 48


@collector_paused()
def sample_requests(
    mesh: Mesh,
    client: Source = DEFAULT_CLIENT,
    *,
    tls: Tls | None = None,
    among: Collection[Location] | None = None,
    called: Collection[str] | None = None,
) -> tuple[tuple[Request, ...], tuple[Notice, ...]]:
    """One request for each rule and gateway that leads to it, in the manifests' order, and what no rule decides.

    Requests within the mesh are those of `client`. `tls` is what the client brings to
    handshakes; without it, it trusts the certificate that a Gateway's Secret holds. `among` names the rules to show
    within the mesh (None: all rules, at all gateways, and what no rule decides); of what no rule decides are shown the
    Services of the hosts that are `called` (None: all).
    """
    several, notices = _of_policies(mesh, tls) if among is None else ([], [])
    requests = [_answerable(mesh, predict(mesh, one, client), client) for one in several]
    for virtual_service in mesh.virtual_services:
        for route in virtual_service.http:
            if among is not None and route.location not in among:
                continue
            reaching = list(_reaching(mesh, virtual_service, route, client, tls, within=among is not None))
            requests += [_answerable(mesh, one, client) for one in reaching]
            if among is not None:
                continue
            if not reaching and (refused := _refused(mesh, virtual_service, route, client, tls)):
                requests.append(_answerable(mesh, refused, client))
                text = f"only that clients are refused is verified of this rule, no answer: {refused.note}"
                notices.append(Notice(route.location, text))
            elif not reaching:
                beyond = _kept_out(mesh, virtual_service, route, tls)
                requests += [_answerable(mesh, predict(mesh, one, client), client) for one in beyond]
                notices.append(_unreached(mesh, virtual_service, route, client, tls))
        for connection in virtual_service.connections:
            if among is None or connection.location in among:
                reached = connections(mesh, virtual_service, connection, client, tls, within=among is not None)
                # A connection is answered as it is.
                requests += [*reached, *beside(mesh, reached, connection, client)]
                if among is None and not reached:
                    notices.append(why_unconnected(mesh, virtual_service, connection, client))
    if among is None:
        requests += [_answerable(mesh, one, client) for one in unruled(mesh, client, called)]
        requests += [_answerable(mesh, one, client) for one in uncalled(mesh, client, requests, called)]
        requests += [_answerable(mesh, one, client) for one in addressed(mesh, client, called)]
    return tuple(dict.fromkeys(requests)), tuple(notices)


def _of_policies(mesh: Mesh, tls: Tls | None) -> tuple[list[Request], list[Notice]]:
    """Requests for the rules of policies at gateways, and which of these none was found for."""
    several = list(shown(mesh, tls))
    reached = {one.place for one in several if one.request}
    lacking = dict.fromkeys(one.place for one in several if one.place not in reached)
    return [one.request for one in several if one.request], [
        Notice(place, NOT_FOUND, Topic.NOT_SHOWN) for place in lacking
    ]


def _answerable(mesh: Mesh, found: Expectation, client: Source) -> Request:
    """The request of an expectation so that what it reaches can answer it."""
    call = as_call(mesh, found)
    if call is not None:
        made = predict(mesh, call, client)
        found = made if call.is_call and (made.route, made.undecided) == (found.route, found.undecided) else found
    return answerable(mesh, found)


def _reaching(
    mesh: Mesh, virtual_service: VirtualService, route: HttpRoute, client: Source, tls: Tls | None, *, within: bool
) -> Iterator[Expectation]:
    """What is expected of the first request sent to the route at each gateway (`within`: in the mesh alone)."""
    for gateway in virtual_service.gateways:
        if within and gateway != MESH_GATEWAY:
            continue
        tries = list(islice(_tries(mesh, virtual_service, route, gateway, client, tls), MOST_TRIES))
        found = first_reaching(mesh, route, tries, client)
        found = found or reaching_beyond(mesh, virtual_service, route, tries, client)
        if found is not None:
            yield found


def _tries(
    mesh: Mesh, virtual_service: VirtualService, route: HttpRoute, gateway: str, client: Source, tls: Tls | None
) -> Iterator[Request]:
    for address in addresses(mesh, virtual_service, gateway, client.namespace, tls):
        for match in route.matches or (None,):
            yield from requests_of(mesh, route, match, address)


def _refused(
    mesh: Mesh, virtual_service: VirtualService, route: HttpRoute, client: Source, tls: Tls | None
) -> Expectation | None:
    """What becomes of the first request that is meant for the route, when a handshake comes to nothing before it."""
    for gateway in virtual_service.gateways:
        first = next(_tries(mesh, virtual_service, route, gateway, client, tls), None)
        found = predict(mesh, first, client) if first else None
        if found and found.refused == HANDSHAKE:
            return found
    return None


def _kept_out(mesh: Mesh, virtual_service: VirtualService, route: HttpRoute, tls: Tls | None) -> Iterator[Request]:
    """Requests for a rule whose gateways serve its hosts for other namespaces alone: what is answered instead."""
    for gateway in virtual_service.gateways:
        for address in islice(kept_out(mesh, virtual_service, gateway, tls), 1):
            for match in (route.matches or (None,))[:1]:
                yield from islice(requests_of(mesh, route, match, address), 1)


def _unreached(
    mesh: Mesh, virtual_service: VirtualService, route: HttpRoute, client: Source, tls: Tls | None
) -> Notice:
    """Why no request shows a rule: none can, or none was found."""
    if why := _out_of_reach(mesh, virtual_service, route, client, tls):
        return Notice(route.location, why)
    return Notice(route.location, _not_found(mesh, virtual_service, route, client, tls), Topic.NOT_SHOWN)


def _out_of_reach(
    mesh: Mesh, virtual_service: VirtualService, route: HttpRoute, client: Source, tls: Tls | None
) -> str:
    if route.missing:
        return f"no request shows this rule: VirtualService {route.missing}, which it delegates to, is not known"
    if hidden := _hidden(mesh, virtual_service):
        return f"no request reaches this rule: {hidden}"
    for gateway in virtual_service.gateways:
        if next(kept_out(mesh, virtual_service, gateway), None):
            place = virtual_service.namespace
            return f"no request reaches this rule: Gateway {gateway} takes no VirtualService of namespace {place}"
    lacking = [one for one in virtual_service.gateways if one != MESH_GATEWAY and mesh.gateway(one) is None]
    if len(lacking) == len(virtual_service.gateways):
        meant = "".join(nearest(one, (gateway.called for gateway in mesh.gateways)) for one in lacking[:1])
        return f"no request reaches this rule: there is no Gateway {' and no '.join(lacking)}{meant}"
    if astray := _astray(mesh, virtual_service, route):
        return f"no request reaches this rule: {astray}"
    within = virtual_service.gateways == (MESH_GATEWAY,)
    if within and not any(one.startswith("*") or mesh.knows(one) or _is_outside(one) for one in virtual_service.hosts):
        hosts = " and ".join(virtual_service.hosts)
        return f"no request reaches this rule: no Service is called {hosts}, so no client can resolve that name"
    if not any(next(_tries(mesh, virtual_service, route, one, client, tls), None) for one in virtual_service.gateways):
        if any(
            next(iter(addresses(mesh, virtual_service, one, client.namespace, tls)), None)
            for one in virtual_service.gateways
        ):
            return ""
        if within and (why := _no_http(mesh, virtual_service)):
            return f"no request reaches this rule: {why}"
        hosts = " and ".join(virtual_service.hosts)
        if within:
            return f"no request of clients in {client.namespace} reaches this rule: they do not see {hosts}"
        for gateway in virtual_service.gateways:
            for where in redirecting(mesh, virtual_service, gateway):
                told = f"{gateway} redirects {hosts} to HTTPS (httpsRedirect at {where})"
                return f"no request reaches this rule: {told}, and has no server of HTTPS for that"
        return f"no request reaches this rule: no server of {' and '.join(virtual_service.gateways)} is for {hosts}"
    if within and not sees(client.namespace, virtual_service.export_to, virtual_service.namespace):
        exported = " and ".join(virtual_service.export_to)
        return f"no request of clients in {client.namespace} reaches this rule: it is exported to {exported} alone"
    if within and (first := _instead(mesh, virtual_service, client)):
        name = f"VirtualService {first.namespace}/{first.name} ({first.location})"
        return f"no request reaches this rule: {name} decides alone for its hosts within the mesh, and is not merged"
    return ""


def _not_found(mesh: Mesh, virtual_service: VirtualService, route: HttpRoute, client: Source, tls: Tls | None) -> str:
    if not any(next(_tries(mesh, virtual_service, route, one, client, tls), None) for one in virtual_service.gateways):
        return "no text was found that meets a condition of this rule: name a request with --request"
    for gateway in virtual_service.gateways:
        for request in islice(_tries(mesh, virtual_service, route, gateway, client, tls), 1):
            taken = predict(mesh, request, client).route
            if taken and taken in _after(virtual_service, route):
                text = f"no request was found that reaches this rule: the rule at {taken} takes {request}"
                return f"{text}; name one with --request"
            if taken and taken != route.location:
                text = "no request found that reaches this rule: it may be shadowed"
                return f"{text} by the rule at {taken}, which takes {request}; name one with --request"
            if not taken and (refusal := unread(request)):
                return f"no request over HTTP/1.1 reaches this rule: {request} gets {refusal.status}, for {refusal.why}"
    return "no request found that reaches this rule: it may be shadowed; name one with --request"


def _astray(mesh: Mesh, virtual_service: VirtualService, route: HttpRoute) -> str:
    """The ports that a rule is for, where no request comes by one of them; empty where one does, or may."""
    wrong: dict[str, None] = {}
    for match in route.matches:
        ways = [one for one in virtual_service.gateways if one in (match.gateways or virtual_service.gateways)]
        ports = ports_of(mesh, virtual_service, ways)
        if match.port is None or not ports or match.port in ports:
            return ""
        there = " and ".join(str(one) for one in sorted(ports))
        wrong[f"it is for port {match.port}, and requests come by port {there} alone"] = None
    return "; ".join(wrong)


def _no_http(mesh: Mesh, virtual_service: VirtualService) -> str:
    """Which port of its Services passes on what comes, where all of them do; empty where one reads HTTP."""
    services = [one for host in virtual_service.hosts for one in mesh.services_of(host)]
    ports = [(one, port) for one in services for port in one.ports]
    if not ports or any(port.is_http for _, port in ports):
        return ""
    several = (f"port {port.number} of {one.called} speaks {port.protocol}" for one, port in ports)
    return f"it is for HTTP, and {' and '.join(several)}"


def _after(virtual_service: VirtualService, route: HttpRoute) -> set[Location]:
    """Where the rules stand that come after one: they cannot keep it from any request."""
    several = [one.location for one in virtual_service.http]
    return set(several[several.index(route.location) + 1 :]) if route.location in several else set()


def _instead(mesh: Mesh, virtual_service: VirtualService, client: Source) -> VirtualService | None:
    """The one that decides in its place within the mesh; None where it decides for any of its hosts itself."""
    seen = virtual_services(mesh, MESH_GATEWAY, client.namespace)
    firsts = []
    for host in virtual_service.hosts:
        named = (seen.several[at] for at in sorted(seen.hosts.candidates(host)) if host in seen.several[at].hosts)
        firsts.append(next(named, None))
    return firsts[0] if firsts and all(one is not virtual_service for one in firsts) else None


def _hidden(mesh: Mesh, virtual_service: VirtualService) -> str:
    """Why the pods of no Gateway see it, though it is bound to them; empty where those of one do."""
    bound = [one for key in virtual_service.gateways if (one := mesh.gateway(key))]
    if len(bound) < len(virtual_service.gateways):
        return ""
    places = {one.key: _places(mesh, one) for one in bound}
    if any(sees(one, virtual_service.export_to, virtual_service.namespace) for each in places.values() for one in each):
        return ""
    told, where = mesh.serving(bound[0]) or bound[0].listener, " and ".join(places[bound[0].key])
    why = "" if told else ", since no Deployment of theirs is among the manifests"
    exported = " and ".join(virtual_service.export_to)
    taken = "are" if told else "are taken to be"
    return f"it is exported to {exported} alone, and the pods of Gateway {bound[0].called} {taken} in {where}{why}"


def _places(mesh: Mesh, gateway: Gateway) -> Sequence[str]:
    """The namespaces of the pods that serve a Gateway; Istio's own where none are known."""
    return sorted({one.namespace for one in mesh.serving(gateway)}) or [mesh.pods_of(gateway)[0]]


def _is_outside(host: str) -> bool:
    return not host.endswith(f".{CLUSTER_DOMAIN}")


def first_reaching(mesh: Mesh, route: HttpRoute, tries: Iterable[Request], client: Source) -> Expectation | None:
    """What is expected of the first of some requests of a client that is sent to the route, among the first 48."""
    undecided: Expectation | None = None
    meant = list(islice(tries, MOST_TRIES))
    for request in chain(meant, islice(permitted(mesh, meant), MOST_TRIES)):
        found = predict(mesh, request, client)
        if found.route == route.location and not found.undecided:
            return found
        undecided = undecided or (found if found.route == route.location else None)
    return undecided
