"""HTTP rules drawn at random, of pools so small that what they ask for meets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import Any, TypeVar

T = TypeVar("T")
Manifest = dict[str, Any]

PORTS = (80, 5000, 8080)
SUBSETS = ("v1", "v2")
INTERNAL = ("a", "b", "a.shop.svc.cluster.local", "a.default.svc.cluster.local", "b.default.svc.cluster.local", "A")
ODD = ("a.shop", "b.shop.svc.cluster.local", "missing", "a.default")
PATHS = ("/", "/a", "/a/", "/ab", "/A", "/a/b", "/b", "/a%20b", "/a%2Fb", "/v1/x", "/~c", "/a.b")
REGEXES = (".*", "/a.*", "/[ab]+", "/a/?", "/(a|ab)", "^/a$", "(?i)/a", "/v([0-9])/(.*)", "/", "[^/]*", "/a|/b")
PATTERNS = (("^/v([0-9])/(.*)$", r"/\2/\1"), ("/a", "/z"), ("a", r"\0\0"), ("/+", "/"), ("b*", "-"), ("x", r"\1"))
VALUES = ("1", "2", "12", "a,b", "a", "A", "")
VALUE_REGEXES = (".*", "[12]+", "a?", "1|2", "(?i)A", "[^,]*")
NAMES = ("x-a", "x-b", "X-C")
# Headers that proxies remove, rewrite or add, with values that mean something there.
PROXIED = {
    "x-forwarded-proto": ("http", "https", "ftp"),
    "x-request-id": ("1", "a"),
    "x-forwarded-for": ("192.0.2.1", "192.0.2.1, 192.0.2.2"),
    "x-envoy-retry-on": ("5xx",),
    "x-envoy-original-path": ("/a",),
    "x-forwarded-client-cert": ("By=a",),
    "te": ("trailers", "gzip"),
    "keep-alive": ("timeout=5",),
    "upgrade": ("websocket", "h2c", "other"),
    "connection": ("upgrade", "keep-alive"),
    "expect": ("100-continue", "a"),
    "user-agent": ("meshproof", "other"),
    "accept": ("*/*", "a/b"),
    "via": ("1.1 a",),
    "content-type": ("application/grpc", "application/grpc+proto", "a/b"),
}
ADDED = ("x-a", "x-b", "x-new", "X-Other")
SPECIAL = ("server", "date", "keep-alive", "x-envoy-retry-on", "x-forwarded-proto", "via", "connection", "content-type")
GIVEN = (
    "s",
    "1",
    "a b",
    "100%%",
    "",
    "%REQ(x-a)%",
    "%PROTOCOL%",
    "<%REQ(x-none?user-agent)%>",
    "%REQ(x-none)%",
    "%START_TIME%",
)
METHODS = ("GET", "POST", "PUT", "HEAD", "OPTIONS", "DELETE")
ORIGINS = ("https://a.example", "https://b.example", "http://a.example")


def often(draw: Random, usual: T, *others: T) -> T:
    """The usual one in three of four cases."""
    return usual if draw.random() < 0.75 else draw.choice(others)


def given(draw: Random, **fields: tuple[float, Callable[[], Any]]) -> Manifest:
    """A mapping of fields, each there with its own probability."""
    return {name: make() for name, (chance, make) in fields.items() if draw.random() < chance}


def string_match(draw: Random, values: Sequence[str], regexes: Sequence[str], *, present: bool = False) -> Manifest:
    forms = [
        {"exact": draw.choice(values)},
        {"prefix": draw.choice([one for one in values if one])},
        {"regex": draw.choice(regexes)},
    ]
    return draw.choice([*forms, {}, {}] if present else forms)


def named(draw: Random, names: Sequence[str], make: Callable[[], Any]) -> Manifest:
    return {name: make() for name in draw.sample(names, draw.choice((1, 1, 2)))}


def match(draw: Random) -> Manifest:
    def conditions(names: Sequence[str]) -> Manifest:
        return named(draw, names, lambda: string_match(draw, VALUES, VALUE_REGEXES, present=True))

    authorities = (
        {"exact": "a"},
        {"exact": "a:5000"},
        {"prefix": "shop."},
        {"regex": ".*:8080"},
        {"exact": "example.org"},
    )
    return given(
        draw,
        uri=(0.6, lambda: string_match(draw, PATHS, REGEXES)),
        ignoreUriCase=(0.2, lambda: draw.random() < 0.7),
        method=(0.1, lambda: string_match(draw, METHODS, ("P.*", "GET|HEAD"))),
        scheme=(0.05, lambda: draw.choice(({"exact": "http"}, {"exact": "https"}, {"prefix": "h"}))),
        authority=(0.07, lambda: draw.choice(authorities)),
        headers=(0.25, lambda: often(draw, conditions(NAMES), proxied(draw))),
        withoutHeaders=(0.15, lambda: often(draw, conditions(NAMES), {"x-a": {"regex": "*"}})),
        queryParams=(0.2, lambda: conditions(("q", "Q", "r"))),
        port=(0.07, lambda: draw.choice(PORTS)),
        gateways=(0.07, lambda: draw.sample(("mesh", "default/front", "front", "side"), draw.choice((1, 2)))),
        sourceLabels=(0.05, lambda: {"app": draw.choice(("client", "other"))}),
        sourceNamespace=(0.05, lambda: draw.choice(("default", "shop"))),
    )


def proxied(draw: Random) -> Manifest:
    """A condition on a header that proxies have a say about."""
    name = draw.choice(sorted(PROXIED))
    return {name: draw.choice(({}, {"exact": draw.choice(PROXIED[name])}, {"regex": ".*[a-z].*"}))}


def header_change(draw: Random) -> Manifest:
    def values() -> Manifest:
        return named(draw, often(draw, ADDED, SPECIAL), lambda: draw.choice(GIVEN))

    names = often(draw, ADDED, SPECIAL)
    return given(draw, set=(0.5, values), add=(0.5, values), remove=(0.3, lambda: [draw.choice(names)]))


def headers(draw: Random, *, host: bool = True) -> Manifest:
    """Header changes; the Host, which may be changed only once, is among them if `host`."""
    found = given(draw, request=(0.6, lambda: header_change(draw)), response=(0.5, lambda: header_change(draw)))
    if host and draw.random() < 0.2:
        verbs = found.setdefault("request", {}).setdefault(draw.choice(("set", "add")), {})
        verbs[draw.choice(("host", ":authority", "Host"))] = draw.choice(("new.host", "new.host:82"))
    return found


def destination(draw: Random) -> Manifest:
    host = often(draw, draw.choice(INTERNAL), *INTERNAL, *ODD)
    return {"host": host} | given(
        draw,
        subset=(0.45, lambda: draw.choice(SUBSETS)),
        port=(0.4, lambda: {"number": often(draw, 80, *PORTS)}),
    )


def redirect(draw: Random) -> Manifest:
    where = given(
        draw,
        uri=(0.5, lambda: draw.choice(("/moved", "/moved?x=1", "/", "moved"))),
        authority=(0.3, lambda: draw.choice(("other.example", "other.example:81"))),
        scheme=(0.3, lambda: draw.choice(("https", "http"))),
    )
    port: Manifest = draw.choice(
        (
            {},
            {},
            {"port": draw.choice((80, 443, 8443))},
            {"derivePort": "FROM_REQUEST_PORT"},
            {"derivePort": "FROM_PROTOCOL_DEFAULT"},
        )
    )
    code = given(draw, redirectCode=(0.3, lambda: draw.choice((302, 303, 307, 308))))
    return (where | port or {"uri": "/moved"}) | code


def rewrite(draw: Random) -> Manifest:
    authority = given(draw, authority=(0.4, lambda: draw.choice(("other.example", "other.example:82"))))
    if draw.random() < 0.4:
        pattern, by = draw.choice(PATTERNS)
        return authority | {"uriRegexRewrite": {"match": pattern, "rewrite": by}}
    uri = given(draw, uri=(0.8, lambda: draw.choice(("/", "/new", "/new/", "new"))))
    return authority | uri or {"uri": "/new"}


def cors(draw: Random) -> Manifest:
    origins = [*({"exact": one} for one in ORIGINS), {"regex": "https://.*"}, {"prefix": "https://a"}, {"exact": "*"}]
    return {"allowOrigins": draw.sample(origins, draw.choice((0, 1, 1, 2)))} | given(
        draw,
        allowMethods=(0.5, lambda: draw.choice((["GET", "PUT"], ["*"]))),
        allowHeaders=(0.5, lambda: draw.choice((["x-a", "x-b"], ["*"], ["*", "x-a"]))),
        exposeHeaders=(0.5, lambda: ["x-pod", "x-b"]),
        maxAge=(0.5, lambda: draw.choice(("24h", "90s", "1s"))),
        allowCredentials=(0.5, lambda: draw.random() < 0.5),
        unmatchedPreflights=(0.3, lambda: draw.choice(("FORWARD", "IGNORE"))),
    )


def forwarding(draw: Random) -> Manifest:
    count = draw.choice((1, 1, 1, 2, 3))
    targets = []
    for number in range(count):
        target = {"destination": destination(draw)} | given(draw, headers=(0.3, lambda: headers(draw)))
        if count > 1:
            target["weight"] = draw.choice((1, 50, 99)) if number == 0 else draw.choice((0, 1, 50))
        targets.append(target)
    error = often(draw, {"httpStatus": 555}, {"grpcStatus": draw.choice(("OK", "NOT_FOUND"))})
    abort = error | {"percentage": {"value": draw.choice((0, 100))}}
    return {"route": targets} | given(
        draw, rewrite=(0.35, lambda: rewrite(draw)), fault=(0.06, lambda: {"abort": abort})
    )


def route(draw: Random) -> Manifest:
    """One HTTP rule."""
    matches = [match(draw) for _ in range(draw.choice((0, 1, 1, 2)))]
    kind = draw.random()
    prefixes = all("uri" not in one or "prefix" in one["uri"] for one in matches)
    if kind < 0.03 and prefixes:
        does: Manifest = {"redirect": {"prefixRewrite": draw.choice(("/new", "/", "new", "/new/", "/n?x=1"))}}
    elif kind < 0.12:
        does = {"redirect": redirect(draw)}
    elif kind < 0.22:
        body = draw.choice(({}, {"body": {"string": "direct"}}))
        does = {"directResponse": {"status": draw.choice((200, 201, 204, 301, 401, 404, 418, 503))} | body}
    else:
        does = forwarding(draw)
    host = "authority" not in does.get("rewrite", {})
    shared = given(draw, headers=(0.3, lambda: headers(draw, host=host)), corsPolicy=(0.25, lambda: cors(draw)))
    return ({"match": matches} if matches else {}) | does | shared


def rule(draw: Random) -> Manifest:
    """One HTTP rule, of a root."""
    return route(draw) if draw.random() < 0.85 else delegating(draw)


def delegating(draw: Random) -> Manifest:
    """A rule that delegates, with what the delegate's rules may take from it."""
    matches = [match(draw) for _ in range(draw.choice((0, 1, 1, 2)))]
    abort = {"httpStatus": 555, "percentage": {"value": draw.choice((0, 100))}}
    taken = given(
        draw,
        rewrite=(0.2, lambda: rewrite(draw)),
        headers=(0.3, lambda: headers(draw, host=False)),
        corsPolicy=(0.2, lambda: cors(draw)),
        fault=(0.1, lambda: {"abort": abort}),
        directResponse=(0.05, lambda: {"status": 418}),
    )
    to = {"name": f"d{draw.choice((0, 1))}"} | given(draw, namespace=(0.3, lambda: draw.choice(("default", "shop"))))
    return ({"match": matches} if matches else {}) | {"delegate": to} | taken
