"""Requests that show what each rule does, for when a person names none.

A witness is only taken when `predict` sends it to the rule that it is for.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from meshproof.border.request import Request
from meshproof.manifest.resource import Notice
from meshproof.mesh.example import accepted
from meshproof.mesh.gateway_table import ENCRYPTED
from meshproof.mesh.model import (
    MESH_GATEWAY,
    HttpRoute,
    MatchKind,
    Mesh,
    RouteMatch,
    Server,
    Service,
    VirtualService,
)
from meshproof.mesh.names import covers
from meshproof.mesh.predict import predict
from meshproof.mesh.rules import HTTP

MOST = 64
MOST_TRIES = 48
# What the sample images answer with 200.
IMAGE_PATHS = (("helloworld", "/hello"), ("httpbin", "/get"))
ANY_HOST = "gateway.example"


def witnesses(mesh: Mesh, *, namespace: str = "default") -> tuple[tuple[Request, ...], tuple[Notice, ...]]:
    """One request for each rule and gateway that leads to it, in the manifests' order, at most 64.

    Requests within the mesh are those of a client in `namespace`. A specification without
    VirtualServices has one for each HTTP port of a Service.
    """
    if not mesh.virtual_services:
        found = [_default(mesh, service, namespace) for service in mesh.services]
        return _bounded([one for several in found for one in several], [], mesh)
    requests: list[Request] = []
    notices: list[Notice] = []
    for virtual_service in mesh.virtual_services:
        for route in virtual_service.http:
            reaching = list(_reaching(mesh, virtual_service, route, namespace))
            requests += reaching
            if not reaching:
                text = "no request found that reaches this rule: it may be shadowed; name one with --request"
                notices.append(Notice(route.location, text))
    return _bounded(requests, notices, mesh)


def _bounded(
    requests: list[Request], notices: list[Notice], mesh: Mesh
) -> tuple[tuple[Request, ...], tuple[Notice, ...]]:
    distinct = list(dict.fromkeys(requests))
    if len(distinct) > MOST:
        where = (mesh.virtual_services or mesh.services)[0].location
        text = f"{len(distinct)} requests show all rules: the first {MOST} are taken; name others with --request"
        notices.append(Notice(where, text))
    return tuple(distinct[:MOST]), tuple(notices)


def _reaching(mesh: Mesh, virtual_service: VirtualService, route: HttpRoute, namespace: str) -> Iterator[Request]:
    """For each gateway of the VirtualService the first request that is sent to the route."""
    for gateway in virtual_service.gateways:
        tries = (
            request
            for host, port, scheme in _addresses(mesh, virtual_service, gateway, namespace)
            for match in route.matches or (None,)
            for request in _requests(mesh, route, match, host, port, scheme, gateway)
        )
        for request in islice(tries, MOST_TRIES):
            if predict(mesh, request, namespace=namespace).route == route.location:
                yield request
                break


def _default(mesh: Mesh, service: Service, namespace: str) -> list[Request]:
    path = _free_path(mesh, [service.host])
    host = _short(service, namespace)
    return [Request("GET", host, port.number, path) for port in service.ports if port.protocol in HTTP]


def _short(service: Service, namespace: str) -> str:
    return service.name if service.namespace == namespace else f"{service.name}.{service.namespace}"


def _addresses(
    mesh: Mesh, virtual_service: VirtualService, gateway: str, namespace: str
) -> Iterator[tuple[str, int, str]]:
    """Host, port and scheme by which the hosts of a VirtualService can be called."""
    if gateway != MESH_GATEWAY:
        servers = next((one.servers for one in mesh.gateways if one.key == gateway), ())
        for server in servers:
            if not server.tls.https_redirect:
                yield from _served(server, virtual_service)
        return
    for host in virtual_service.hosts:
        services = [one for one in mesh.services if covers(host, one.host)]
        for service in services:
            for port in service.ports:
                if port.protocol in HTTP:
                    yield _short(service, namespace), port.number, "http"
        if not services:
            yield _concrete(host), 80, "http"


def _served(server: Server, virtual_service: VirtualService) -> Iterator[tuple[str, int, str]]:
    scheme = "https" if server.protocol in ENCRYPTED else "http"
    for ours in server.hosts:
        for theirs in virtual_service.hosts:
            if covers(ours, theirs):
                yield _concrete(theirs), server.port, scheme
            elif covers(theirs, ours):
                yield _concrete(ours), server.port, scheme


def _concrete(host: str) -> str:
    if host == "*":
        return ANY_HOST
    return f"www{host[1:]}" if host.startswith("*") else host


def _requests(
    mesh: Mesh, route: HttpRoute, match: RouteMatch | None, host: str, port: int, scheme: str, gateway: str
) -> Iterator[Request]:
    """Requests that meet an entry's own conditions, the likeliest first."""
    free = _free_path(mesh, [one.destination.host for one in route.destinations])
    entry = "" if gateway == MESH_GATEWAY else gateway
    if match is None:
        yield Request("GET", host, port, free, (), scheme, entry)
        return
    method = accepted(match.method, present="GET") if match.method else "GET"
    named = [(name, accepted(condition)) for name, condition in match.headers]
    queried = [(name, accepted(condition)) for name, condition in match.query_params]
    if match.authority and match.authority.kind is MatchKind.EXACT:
        host = match.authority.value.partition(":")[0]
    if method is None or any(value is None for _, value in named + queried):
        return
    headers = tuple((name, value or "") for name, value in named)
    query = "&".join(f"{name}={value}" for name, value in queried)
    for path in _paths(match, free):
        whole = f"{path}?{query}" if query else path
        if all(" " < character < "\x7f" for character in whole):
            yield Request(method, host, port, whole, headers, scheme, entry)


def _paths(match: RouteMatch, free: str) -> Iterator[str]:
    uri = match.uri
    if uri is None:
        yield free
        return
    example = accepted(uri)
    if uri.kind is MatchKind.PREFIX and free.startswith(uri.value):
        yield free
    if uri.kind is MatchKind.REGEX and example != free:
        yield free
    for path in (example, f"{example}/a", f"{example}a") if uri.kind is MatchKind.PREFIX else (example,):
        if path and path.startswith("/"):
            yield path


def _free_path(mesh: Mesh, hosts: list[str]) -> str:
    """A path that what stands behind these hosts answers with 200."""
    for host in hosts:
        for workload in mesh.selected(host):
            name = workload.image.rpartition("/")[2]
            for known, path in IMAGE_PATHS:
                if known in name:
                    return path
    return "/"
