"""Requests that show what each rule does, for when a person names none.

A sample is only taken when `predict` sends it to the rule that it is for.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain, islice

from meshproof.border.expectation import Expectation
from meshproof.border.request import CALLED, Request, Tls
from meshproof.border.source import Source, source
from meshproof.errors import Location
from meshproof.manifest.collector import collector_paused
from meshproof.manifest.resource import Notice
from meshproof.mesh.model.kubernetes import CLUSTER_DOMAIN, Service
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.names import covers
from meshproof.mesh.model.virtual_service import (
    MESH_GATEWAY,
    HttpRoute,
    MatchKind,
    RouteMatch,
    StringMatch,
    VirtualService,
)
from meshproof.mesh.predict import visibility
from meshproof.mesh.predict.gateway_table import HANDSHAKE
from meshproof.mesh.predict.match import string_matches
from meshproof.mesh.predict.mesh_table import HTTP
from meshproof.mesh.predict.prediction import predict
from meshproof.mesh.predict.proxy.refused import METHODS as KNOWN_METHODS
from meshproof.mesh.requests.addresses import Address, addresses, kept_out, short_name
from meshproof.mesh.requests.authorization import NOT_FOUND, permitted, shown
from meshproof.mesh.requests.avoiding import reaching_beyond
from meshproof.mesh.requests.completing import A_METHOD, GRPC, PSEUDO, answerable, as_call, completed, value_for
from meshproof.mesh.requests.connections import beside, connections, why_unconnected
from meshproof.mesh.requests.example import accepted, examples

METHODS = ("GET", "POST", "PUT", "DELETE", "HEAD", "PATCH", "OPTIONS")
MOST_TRIES = 48
# What the sample images answer with 200, the one that needs nothing first.
IMAGE_PATHS = (("helloworld", ("/hello",)), ("httpbin", ("/get", "/headers", "/status/200", "/delay/0")))


@collector_paused()
def sample_requests(
    mesh: Mesh,
    *,
    namespace: str = "default",
    labels: Mapping[str, str] | None = None,
    tls: Tls | None = None,
    among: Collection[Location] | None = None,
) -> tuple[tuple[Request, ...], tuple[Notice, ...]]:
    """One request for each rule and gateway that leads to it, in the manifests' order.

    Requests within the mesh are those of a client in `namespace` with `labels`. A specification without
    VirtualServices has one for each HTTP port of a Service. `tls` is what the client brings to
    handshakes; without it, it trusts the certificate that a Gateway's Secret holds. `among` names the rules to show
    within the mesh (None: all rules, at all gateways).
    """
    client = source(namespace, labels)
    requests, notices = _of_policies(mesh, tls) if among is None else ([], [])
    if not mesh.virtual_services:
        found = [*requests, *(one for service in mesh.services for one in _default(mesh, service, namespace))]
        found += _of_aliases(mesh, namespace)
        return tuple(dict.fromkeys(found)), tuple(notices)
    requests += _of_aliases(mesh, namespace) if among is None else []
    for virtual_service in mesh.virtual_services:
        for route in virtual_service.http:
            if among is not None and route.location not in among:
                continue
            reaching = list(_reaching(mesh, virtual_service, route, client, tls, within=among is not None))
            requests += reaching
            if among is not None:
                continue
            if not reaching and (refused := _refused(mesh, virtual_service, route, client, tls)):
                requests.append(refused.request)
                text = f"only that clients are refused is verified of this rule, no answer: {refused.note}"
                notices.append(Notice(route.location, text))
            elif not reaching:
                requests += _kept_out(mesh, virtual_service, route, tls)
                notices.append(Notice(route.location, _why_unreached(mesh, virtual_service, route, client, tls)))
        for connection in virtual_service.connections:
            if among is None or connection.location in among:
                reached = connections(mesh, virtual_service, connection, client, tls, within=among is not None)
                requests += [*reached, *beside(mesh, reached, connection, client)]
                if among is None and not reached:
                    why = why_unconnected(mesh, virtual_service, connection, client)
                    notices.append(Notice(connection.location, why))
    return tuple(dict.fromkeys(_answerable(mesh, one, client) for one in requests)), tuple(notices)


def _of_policies(mesh: Mesh, tls: Tls | None) -> tuple[list[Request], list[Notice]]:
    """Requests for the rules of policies at gateways, and which of these none was found for."""
    several = list(shown(mesh, tls))
    reached = {one.place for one in several if one.request}
    lacking = dict.fromkeys(one.place for one in several if one.place not in reached)
    return [one.request for one in several if one.request], [Notice(place, NOT_FOUND) for place in lacking]


def _answerable(mesh: Mesh, request: Request, client: Source) -> Request:
    found = predict(mesh, request, namespace=client.namespace, labels=client.labels)
    call = as_call(mesh, found)
    if call is not None:
        made = predict(mesh, call, namespace=client.namespace, labels=client.labels)
        found = made if call.is_call and (made.route, made.undecided) == (found.route, found.undecided) else found
    return answerable(mesh, found)


def _reaching(
    mesh: Mesh, virtual_service: VirtualService, route: HttpRoute, client: Source, tls: Tls | None, *, within: bool
) -> Iterator[Request]:
    """For each gateway of the VirtualService (`within`: for the mesh alone) the first request sent to the route."""
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
        found = predict(mesh, first, namespace=client.namespace, labels=client.labels) if first else None
        if found and found.refused == HANDSHAKE:
            return found
    return None


def _kept_out(mesh: Mesh, virtual_service: VirtualService, route: HttpRoute, tls: Tls | None) -> Iterator[Request]:
    """Requests for a rule whose gateways serve its hosts for other namespaces alone: what is answered instead."""
    for gateway in virtual_service.gateways:
        for address in islice(kept_out(mesh, virtual_service, gateway, tls), 1):
            for match in (route.matches or (None,))[:1]:
                yield from islice(requests_of(mesh, route, match, address), 1)


def _why_unreached(
    mesh: Mesh, virtual_service: VirtualService, route: HttpRoute, client: Source, tls: Tls | None
) -> str:
    if route.missing:
        return f"no request shows this rule: VirtualService {route.missing}, which it delegates to, is not known"
    for gateway in virtual_service.gateways:
        if next(kept_out(mesh, virtual_service, gateway), None):
            place = virtual_service.namespace
            return f"no request reaches this rule: Gateway {gateway} takes no VirtualService of namespace {place}"
    lacking = [one for one in virtual_service.gateways if one != MESH_GATEWAY and mesh.gateway(one) is None]
    if len(lacking) == len(virtual_service.gateways):
        return f"no request reaches this rule: there is no Gateway {' and no '.join(lacking)}"
    within = virtual_service.gateways == (MESH_GATEWAY,)
    if within and not any(one.startswith("*") or mesh.knows(one) or _is_outside(one) for one in virtual_service.hosts):
        hosts = " and ".join(virtual_service.hosts)
        return f"no request reaches this rule: no Service is called {hosts}, so no client can resolve that name"
    for gateway in virtual_service.gateways:
        for request in islice(_tries(mesh, virtual_service, route, gateway, client, tls), 1):
            taken = predict(mesh, request, namespace=client.namespace, labels=client.labels).route
            if taken and taken != route.location:
                text = "no request found that reaches this rule: it may be shadowed"
                return f"{text} by the rule at {taken}, which takes {request}; name one with --request"
    return "no request found that reaches this rule: it may be shadowed; name one with --request"


def _is_outside(host: str) -> bool:
    return not host.endswith(f".{CLUSTER_DOMAIN}")


def first_reaching(mesh: Mesh, route: HttpRoute, tries: Iterable[Request], client: Source) -> Request | None:
    """The first of some requests of a client that is sent to the route, among the first 48."""
    undecided: Request | None = None
    meant = list(islice(tries, MOST_TRIES))
    for request in chain(meant, islice(permitted(mesh, meant), MOST_TRIES)):
        found = predict(mesh, request, namespace=client.namespace, labels=client.labels)
        if found.route == route.location and not found.undecided:
            return request
        undecided = undecided or (request if found.route == route.location else None)
    return undecided


def _default(mesh: Mesh, service: Service, namespace: str) -> list[Request]:
    path = next(_image_paths(mesh, [service.host]), "/")
    host = short_name(service, namespace)
    return [
        Request("POST", host, port.number, A_METHOD, CALLED)
        if port.protocol == GRPC
        else Request("GET", host, port.number, path)
        for port in service.ports
        if port.protocol in HTTP
    ]


def _of_aliases(mesh: Mesh, namespace: str) -> list[Request]:
    """A request by the name of each ExternalName for each HTTP port of what it stands for."""
    found = []
    for alias in mesh.aliases:
        if service := visibility.service(mesh, mesh.stands_for(alias.host), namespace):
            found += [replace(one, host=short_name(alias, namespace)) for one in _default(mesh, service, namespace)]
    return found


def requests_of(mesh: Mesh, route: HttpRoute, match: RouteMatch | None, address: Address) -> Iterator[Request]:
    """Requests to an address that meet an entry's own conditions, the likeliest first."""
    answered = tuple(_image_paths(mesh, [one.destination.host for one in route.destinations]))
    host = address.host
    if match is None:
        path = next(iter(answered), "/")
        yield Request("GET", host, address.port, path, (), address.scheme, address.gateway, tls=address.tls)
        return
    pseudo = {name: condition for name, condition in match.headers if name in PSEUDO}
    method = _method(match.method or pseudo.get(":method"))
    named = [(name, value_for(name, condition)) for name, condition in match.headers if name not in PSEUDO]
    queried = [(name, accepted(condition)) for name, condition in match.query_params]
    authority = match.authority or pseudo.get(":authority") or pseudo.get("host")
    if authority:
        host = _host(authority, address)
    if method is None or any(value is None for _, value in named + queried):
        return
    headers = completed(method, tuple((name, value or "") for name, value in named))
    query = "&".join(f"{name}={value}" for name, value in queried)
    whole_path = pseudo.get(":path")
    for path in examples(whole_path) if whole_path else _paths(match, answered):
        whole = f"{path}?{query}" if query else path
        if all(" " < character < "\x7f" for character in whole):
            yield Request(method, host, address.port, whole, headers, address.scheme, address.gateway, tls=address.tls)


def _host(authority: StringMatch, address: Address) -> str:
    """A host of the address that meets a condition on the authority, the address's own where none is found."""
    if authority.kind is MatchKind.EXACT:
        return authority.value.partition(":")[0]
    own = Request("GET", address.host, address.port, scheme=address.scheme)
    tries = (own.authority, *examples(authority))
    names = (text.partition(":")[0] for text in tries if string_matches(authority, text))
    return next((name for name in names if covers(address.pattern, name.lower())), address.host)


def _method(wanted: StringMatch | None) -> str | None:
    """A method that HTTP has, since Envoy answers 400 to others, unless one is asked for by its name."""
    if wanted is None:
        return METHODS[0]
    found = accepted(wanted, present=METHODS[0])
    if found in METHODS or wanted.kind is MatchKind.EXACT:
        return found
    return next((one for one in (*METHODS, *sorted(KNOWN_METHODS)) if string_matches(wanted, one)), None)


def _paths(match: RouteMatch, answered: Sequence[str]) -> Iterator[str]:
    """Paths that meet an entry's condition, first those that the backend is known to answer with 200."""
    uri = match.uri
    if uri is None:
        yield next(iter(answered), "/")
        return
    yield from (path for path in answered if string_matches(uri, path, ignore_case=match.ignore_uri_case))
    example = accepted(uri)
    for path in (example, f"{example}/a", f"{example}a") if uri.kind is MatchKind.PREFIX else (example,):
        if path and path.startswith("/"):
            yield path


def known_paths(mesh: Mesh, virtual_service: VirtualService) -> tuple[str, ...]:
    """Paths that something behind a VirtualService would answer, whether or not its rules lead there."""
    hosts = [one.destination.host for route in virtual_service.http for one in route.destinations]
    return ("/", *dict.fromkeys(_image_paths(mesh, hosts)))


def _image_paths(mesh: Mesh, hosts: list[str]) -> Iterator[str]:
    for host in hosts:
        for workload in mesh.selected(host):
            name = workload.image.rpartition("/")[2]
            yield from next((paths for known, paths in IMAGE_PATHS if known in name), ())
