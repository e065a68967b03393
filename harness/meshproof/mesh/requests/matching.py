"""Requests that meet the conditions of one entry of a rule, the likeliest first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from meshproof.border.request import Request
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.names import covers
from meshproof.mesh.model.virtual_service import HttpRoute, MatchKind, RouteMatch, StringMatch, VirtualService
from meshproof.mesh.predict.match import string_matches
from meshproof.mesh.predict.proxy.refused import METHODS as KNOWN_METHODS
from meshproof.mesh.predict.proxy.seen import FORWARDED_PROTO, SCHEMES
from meshproof.mesh.requests.addresses import Address
from meshproof.mesh.requests.boundaries import AUTHORITY
from meshproof.mesh.requests.completing import PSEUDO, completed, value_for
from meshproof.mesh.requests.example import accepted, examples

METHODS = ("GET", "POST", "PUT", "DELETE", "HEAD", "PATCH", "OPTIONS")
# What the sample images answer with 200, the one that needs nothing first.
IMAGE_PATHS = (("helloworld", ("/hello",)), ("httpbin", ("/get", "/headers", "/status/200", "/delay/0")))


def requests_of(mesh: Mesh, route: HttpRoute, match: RouteMatch | None, address: Address) -> Iterator[Request]:
    """Requests to an address that meet an entry's own conditions, the likeliest first."""
    answered = tuple(image_paths(mesh, [one.destination.host for one in route.destinations]))
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
    named_so: tuple[tuple[str, str], ...] = ()
    if authority:
        host, named_so = _called(authority, address)
    if method is None or any(value is None for _, value in named + queried):
        return
    given = (*named_so, *_forwarded(match, pseudo, address), *((name, value or "") for name, value in named))
    headers = completed(method, given)
    query = "&".join(f"{name}={value}" for name, value in queried)
    whole_path = pseudo.get(":path")
    for path in examples(whole_path) if whole_path else _paths(match, answered):
        whole = f"{path}?{query}" if query else path
        if all(" " < character < "\x7f" for character in whole):
            yield Request(method, host, address.port, whole, headers, address.scheme, address.gateway, tls=address.tls)


def _called(authority: StringMatch, address: Address) -> tuple[str, tuple[tuple[str, str], ...]]:
    """A host of the address that meets a condition on the authority, and a Host header where that says it otherwise."""
    own = Request("GET", address.host, address.port, scheme=address.scheme)
    names = (*address.names, *(f"{one}:{address.port}" for one in address.names))
    tries = [one for one in (own.authority, *names, *examples(authority)) if string_matches(authority, one)]
    for text in tries:
        name = text.partition(":")[0]
        named = authority.kind is MatchKind.EXACT or covers(address.pattern, name.lower())
        if named and replace(own, host=name).authority == text:
            return name, ()
    # With a port, or by another of its names.
    further = (f"{address.host}:{address.port}", *tries)
    header = next((one for one in further if string_matches(authority, one) and AUTHORITY.fullmatch(one)), None)
    return address.host, (("host", header),) if header else ()


def _forwarded(match: RouteMatch, pseudo: Mapping[str, StringMatch], address: Address) -> Iterator[tuple[str, str]]:
    """What a client tells its sidecar of the scheme, where a condition asks for another one than it has by itself."""
    wanted = match.scheme or pseudo.get(":scheme")
    if wanted is None or address.entry or string_matches(wanted, address.scheme):
        return
    if any(name == FORWARDED_PROTO for name, _ in match.headers):
        return
    if other := next((one for one in sorted(SCHEMES) if string_matches(wanted, one)), None):
        yield FORWARDED_PROTO, other


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
    return ("/", *dict.fromkeys(image_paths(mesh, hosts)))


def image_paths(mesh: Mesh, hosts: list[str]) -> Iterator[str]:
    """Paths that the images behind these hosts are known to answer."""
    for host in hosts:
        for workload in mesh.selected(host):
            name = workload.image.rpartition("/")[2]
            yield from next((paths for known, paths in IMAGE_PATHS if known in name), ())
