"""Requests drawn at random that a client of a mesh, or of its gateways, may send: about its rules, and beside them."""

from __future__ import annotations

from dataclasses import replace
from random import Random

from differential_rules import METHODS, NAMES, ORIGINS, PATHS, PORTS, PROXIED, VALUES, often
from meshproof.border.request import CALLED, OF_CONNECTIONS, Request
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.names import covers
from meshproof.mesh.model.virtual_service import MESH_GATEWAY, RouteMatch, StringMatch, VirtualService
from meshproof.mesh.predict.match import string_matches
from meshproof.mesh.requests.example import accepted

OTHER_PATHS = (
    "/aa",
    "/a/b/c",
    "/a//b",
    "//a",
    "/./a",
    "/a/../b",
    "/a/..",
    "/%61",
    "/a%2fb",
    "/a;x",
    "/a\\b",
    "/v2/x/y",
)
ODD_PATHS = (
    "/a%00",
    "/..",
    "/a/.",
    "/%2e%2e/a",
    "/a%zz",
    "/a{b}",
    '/a"b',
    "/A%2E",
    "/%7Ec",
    "/a|b",
    "/*",
    "/a+b",
    "/a#b",
    "/a/.;x=1/b",
    "/a/..;/b",
    "/%2e%2e;/a",
    "/%2%61",
)
ODD_METHODS = ("QUERY", "PROPFIND", "FOO")
SUFFIXES = ("", "", "", "", "/", "x", "/x", "/../a", "%2F")
QUERIES = ("?q=1", "?q", "?q=", "?q=%31", "?q=1&q=2", "?Q=a", "?r=12&q=a", "?q=a%2Cb", "?q=a+b", "?", "?&q=1")
ODD_QUERIES = ("?q=1?q=2", "?q=1;r=2", "?=1", "?q==1", "?a/../b", "?%71=1", "?q=1#f")
OUTSIDE = (
    "shop.example.com",
    "x.example.com",
    "example.org",
    "a.shop.example.com",
    "EXAMPLE.org",
    "foo.com",
    "nowhere",
    "api.example.org",
    "x.v1.api.example.org",
)
IN_MESH = ("a", "b", "a.default", "a.shop", "b.default.svc", "a.default.svc.cluster.local", "A.Shop.svc.cluster.local")

Address = tuple[str, str, int]


def request(draw: Random, mesh: Mesh) -> Request:
    """One request: in most cases one that a rule of the mesh is about."""
    aimed = draw.choice([None, *mesh.virtual_services * 4])
    gateway, host, port = addressed(draw, mesh, aimed) if aimed else anywhere(draw, mesh)
    entries = [match for rule in aimed.http for match in rule.matches] if aimed else []
    match = draw.choice([None, *entries * 2])
    method = often(draw, "GET", *METHODS, *METHODS, *ODD_METHODS)
    headers: list[tuple[str, str]] = []
    if match is None:
        path = draw.choice((*PATHS * 2, *OTHER_PATHS, *ODD_PATHS)) + often(draw, "", *QUERIES, *ODD_QUERIES)
    else:
        path = path_for(draw, match)
        headers += [(name, example(value)) for name, value in match.headers if draw.random() < 0.9]
        wanted = [one for one in METHODS if match.method and string_matches(match.method, one)]
        method = draw.choice(wanted) if wanted and draw.random() < 0.8 else method
    headers += [(draw.choice(NAMES), draw.choice(VALUES)) for _ in range(draw.choice((0, 0, 1, 2)))]
    if draw.random() < 0.3:
        name = draw.choice(sorted(PROXIED))
        headers += [(name, draw.choice(PROXIED[name])) for _ in range(draw.choice((1, 1, 1, 2)))]
    if draw.random() < 0.05:
        headers += [("upgrade", "websocket"), ("connection", "upgrade")]
    forms = (host, f"{host}:81", f"{host}.", host.upper(), f"{host}.:80", f"x-0.{host}", "example.org", "a.default")
    if draw.random() < 0.15:
        headers.append(("host", draw.choice(forms)))
    if draw.random() < 0.3:
        headers.append(("origin", draw.choice(ORIGINS)))
        if draw.random() < 0.5:
            method = often(draw, "OPTIONS", method)
            headers.append(("access-control-request-method", draw.choice(("GET", "DELETE"))))
            headers += draw.choice(([], [("access-control-request-headers", "x-a, x-q")]))
    return Request(method, host, port, path, tuple(headers), gateway=gateway)


def example(condition: StringMatch) -> str:
    """A text that meets a condition, or nearly."""
    return accepted(condition) or "a"


def path_for(draw: Random, match: RouteMatch) -> str:
    """A path that meets a match, or a border of it."""
    path = example(match.uri) if match.uri else draw.choice(PATHS)
    path = path if path.startswith("/") else f"/{path}"
    path = often(draw, path, path.upper()) + draw.choice(SUFFIXES)
    values = [(name, example(value)) for name, value in match.query_params if draw.random() < 0.9]
    query = "&".join(f"{name}={often(draw, value, encoded(value))}" for name, value in values)
    return path + (f"?{query}" if query else "") + often(draw, "", *QUERIES)


def encoded(value: str) -> str:
    return "".join(f"%{ord(one):02X}" for one in value)


def concrete(pattern: str) -> str:
    return "any.test" if pattern == "*" else f"x{pattern[1:]}" if pattern.startswith("*") else pattern


def addressed(draw: Random, mesh: Mesh, aimed: VirtualService) -> Address:
    """Where a VirtualService may have a say: gateway ('' for none), host and port."""
    gateway, host = draw.choice(aimed.gateways), draw.choice(aimed.hosts)
    found = next((one for one in mesh.gateways if one.key == gateway), None)
    if found:
        server = draw.choice(found.servers)
        return gateway, concrete(often(draw, host, *server.hosts)), server.port
    services = [one for one in mesh.services if covers(host, one.host)]
    if gateway != MESH_GATEWAY:
        return anywhere(draw, mesh)
    if services and draw.random() < 0.9:
        service = draw.choice(services)
        name = draw.choice((service.host, f"{service.name}.{service.namespace}"))
        name = f"x-0.{name}" if service.headless and draw.random() < 0.5 else name
        return "", concrete(name), draw.choice(service.ports).number
    return "", concrete(host), often(draw, 80, *PORTS)


def anywhere(draw: Random, mesh: Mesh) -> Address:
    found = draw.choice([None, *mesh.gateways])
    if found:
        return found.key, draw.choice(OUTSIDE), draw.choice(found.servers).port
    return "", draw.choice((*IN_MESH * 2, *OUTSIDE)), often(draw, 80, *PORTS)


def as_call(request: Request) -> Request:
    """The same as a call of gRPC, where HTTP/2 can carry it."""
    kept = tuple(pair for pair in request.headers if pair[0] not in OF_CONNECTIONS and pair[0] not in dict(CALLED))
    call = replace(request, method="POST", headers=(*CALLED, *kept))
    return call if call.is_call else request
