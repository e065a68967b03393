"""Just beyond the boundaries of a rule: a request that meets it, with one thing about it changed.

Each change is one that a wrong rule gets wrong: a character more or less, another case, a path below
or beside it, an encoded or a redundant form of the same path, a header, parameter or method that is
missing or other than asked for.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Literal

from meshproof.border.prescription import HEADER, Prescription
from meshproof.border.request import Request
from meshproof.mesh.model.virtual_service import CorsPolicy, HttpRoute, MatchKind, RouteMatch, StringMatch
from meshproof.mesh.predict.match import string_matches
from meshproof.mesh.requests.completing import PSEUDO
from meshproof.mesh.requests.example import accepted, examples

METHODS = ("GET", "POST", "PUT", "DELETE", "HEAD")
# Sent where a rule asks for them.
FURTHER_METHODS = ("PATCH", "OPTIONS")
FOREIGN_ORIGIN = "http://elsewhere.invalid"
ASKED, ASKED_HEADERS = "access-control-request-method", "access-control-request-headers"
UNUSUAL = "meshproof"
# Headers that say where a message ends, or belong to its connection.
FRAMING = frozenset({"content-length", "transfer-encoding", "connection", "upgrade", "keep-alive", "te", "trailer"})
# Headers of answers that workloads send in any case, or that mean something to proxies.
OF_ANSWERS = frozenset({"content-type", "date", "server", "grpc-status", "grpc-message"})
RESERVED = ("x-envoy-", "x-meshproof-")
AUTHORITY = re.compile(r"[A-Za-z0-9.-]+(:[0-9]{1,5})?")
# What stands in a query by itself would end a parameter, or the path.
IN_QUERY = re.compile(r"[!-~]*")


def rule_boundaries(base: Request, route: HttpRoute, match: RouteMatch | None) -> Iterator[Request]:
    """Requests about the boundaries of one entry of a route's `match`, which `base` meets."""
    yield from condition_boundaries(base, match)
    yield from changes(base, route)


def condition_boundaries(base: Request, match: RouteMatch | None) -> Iterator[Request]:
    """The same of what the entry asks for alone."""
    yield from _paths(base, match.uri if match else None)
    if match:
        yield from _headers(base, match)
        yield from _queries(base, match)
        yield from _authorities(base, match)
    yield from _methods(base, match.method if match else None)


def changes(base: Request, route: HttpRoute) -> Iterator[Request]:
    """Requests that show what a route, which `base` reaches, changes about requests and answers.

    What it sets, adds or removes is sent, or asked of the workload, with another value before.
    """
    given = {name for name, _ in base.headers}
    sent = _changed(route, "request") - given - FRAMING
    answered = {name for name in _changed(route, "response") - FRAMING - OF_ANSWERS if not name.startswith(RESERVED)}
    if sent:
        yield with_headers(base, [(name, UNUSUAL) for name in sorted(sent)])
    if answered and HEADER not in given:
        yield with_headers(base, [Prescription(200, headers=tuple(sorted(answered))).header])
    if route.cors:
        yield from _origins(base, route.cors)


def host_boundaries(base: Request, pattern: str) -> Iterator[Request]:
    """Requests about the boundaries of a host pattern, which `base` meets by entering at a gateway."""
    host = base.host
    suffix = pattern[1:] if pattern.startswith("*") else f".{host}"
    bare = suffix.removeprefix(".")
    for other in (
        host.upper(),
        f"x{host}",
        f"{host}x",
        host[:-1],
        f"more.{host}",
        bare,
        f"x{bare}",
        host.partition(".")[2],
        f"other.{bare.partition('.')[2] or bare}",
    ):
        if other and not other.startswith(".") and not other.endswith(".") and other != host:
            yield replace(base, host=other)
    port = base.port
    for authority in (f"{host}:{port}", f"{host}:{port + 1}", f"{host}.", f"other.{UNUSUAL}"):
        yield with_headers(base, [("host", authority)])


def text_boundaries(match: StringMatch, value: str) -> Iterator[str]:
    """Texts close to one that meets the condition."""
    if match.kind is MatchKind.PRESENT:
        yield f"{value}x"
        return
    inside = examples(match) if match.kind is not MatchKind.EXACT else ()
    yield from dict.fromkeys((*inside, f"{value}x", f"x{value}", value[:-1], value.swapcase()))


def _paths(base: Request, uri: StringMatch | None) -> Iterator[Request]:
    path, mark, query = base.path.partition("?")
    last = path[-1:]
    forms = [f"{path.rstrip('/')}/x", "/x"]
    if uri is not None:
        core = uri.value if uri.kind is MatchKind.PREFIX and uri.value.startswith("/") else path
        forms = [
            *(one for one in examples(uri) if uri.kind is MatchKind.REGEX and all("!" <= each <= "~" for each in one)),
            f"{core}x",
            core[:-1],
            core.swapcase(),
            f"{core.rstrip('/')}/",
            f"{core.rstrip('/')}/x",
            f"/x{core}",
            f"/x/..{path}",
            f"/{path}",
            f"{path[:-1]}%{ord(last):02x}" if last.isalnum() else "",
            f"/%2f{path[1:]}",
        ]
        cut = path.rfind("/")
        forms.append(f"{path[:cut]}%2F{path[cut + 1 :]}" if cut > 0 else "")
    for form in dict.fromkeys(forms):
        if form.startswith("/") and form != path:
            yield replace(base, path=form + mark + query)
    yield replace(base, path=f"{path}?{query}&extra=1" if query else f"{path}?extra=1")


def _headers(base: Request, match: RouteMatch) -> Iterator[Request]:
    for name, condition in (one for one in match.headers if one[0] not in PSEUDO):
        value = dict(base.headers).get(name, "")
        yield _without_header(base, name)
        for other in text_boundaries(condition, value):
            yield with_headers(base, [(name, other)])
    for name, condition in (one for one in match.without_headers if one[0] not in PSEUDO):
        refused = accepted(condition) or UNUSUAL
        for other in dict.fromkeys((refused, *text_boundaries(condition, refused))):
            yield with_headers(base, [(name, other)])


def _queries(base: Request, match: RouteMatch) -> Iterator[Request]:
    path, _, query = base.path.partition("?")
    pairs = [pair.partition("=")[::2] for pair in query.split("&")]
    for name, condition in match.query_params:
        value = dict(pairs).get(name, "")
        yield with_query(base, path, [pair for pair in pairs if pair[0] != name])
        for other in text_boundaries(condition, value):
            if IN_QUERY.fullmatch(other) and not set("&#") & set(other):
                yield with_query(base, path, [(key, other if key == name else own) for key, own in pairs])
        yield with_query(base, path, [(key.swapcase() if key == name else key, own) for key, own in pairs])


def _authorities(base: Request, match: RouteMatch) -> Iterator[Request]:
    if match.authority:
        for other in text_boundaries(match.authority, base.authority):
            if AUTHORITY.fullmatch(other):
                yield with_headers(base, [("host", other)])


def _methods(base: Request, method: StringMatch | None) -> Iterator[Request]:
    others = [one for one in METHODS if one != base.method]
    if method is None:
        yield replace(base, method=others[0])
        return
    admitted = [one for one in (*METHODS, *FURTHER_METHODS) if one != base.method and string_matches(method, one)]
    refused = [one for one in others if one not in admitted]
    for one in admitted + refused[:2]:
        yield replace(base, method=one)


def _origins(base: Request, cors: CorsPolicy) -> Iterator[Request]:
    allowed = [value for one in cors.allow_origins if (value := accepted(one)) and value != "*"] or [FOREIGN_ORIGIN]
    beside = [
        text for one, value in zip(cors.allow_origins, allowed, strict=False) for text in text_boundaries(one, value)
    ]
    for origin in dict.fromkeys([*allowed, *beside, FOREIGN_ORIGIN]):
        if origin:
            yield with_headers(replace(base, method="OPTIONS"), [("origin", origin), (ASKED, base.method)])
    for origin in (allowed[0], FOREIGN_ORIGIN):
        yield with_headers(base, [("origin", origin)])
    # One that asks for what no rule lists shows whether all is allowed, or that alone.
    other = next((one for one in METHODS if one != base.method and one not in cors.allow_methods), METHODS[0])
    foreign = [("origin", allowed[0]), (ASKED, other), (ASKED_HEADERS, UNUSUAL)]
    yield with_headers(replace(base, method="OPTIONS"), foreign)
    yield with_headers(replace(base, method="OPTIONS"), [("origin", allowed[0])])
    yield with_headers(replace(base, method="OPTIONS"), [(ASKED, base.method)])


def _changed(route: HttpRoute, which: Literal["request", "response"]) -> set[str]:
    """The headers of requests or responses that a route sets, adds or removes."""
    changes = (route.headers, *(one.headers for one in route.destinations))
    several = [one.request if which == "request" else one.response for one in changes]
    named = [name for one in several for name in (*dict(one.set), *dict(one.add), *one.remove)]
    return {name for name in named if not name.startswith(":") and name != "host"}


def with_headers(base: Request, headers: Iterable[tuple[str, str]]) -> Request:
    """The request with these headers in place of others of their names."""
    given = dict(headers)
    kept = tuple(pair for pair in base.headers if pair[0] not in given)
    return replace(base, headers=(*kept, *given.items()))


def _without_header(base: Request, name: str) -> Request:
    return replace(base, headers=tuple(pair for pair in base.headers if pair[0] != name))


def with_query(base: Request, path: str, pairs: Iterable[tuple[str, str]]) -> Request:
    """The request for a path with this query."""
    query = "&".join(f"{name}={value}" for name, value in pairs)
    return replace(base, path=f"{path}?{query}" if query else path)
