"""HTTPRoutes, ServiceEntries and VirtualServices beside them, drawn at random from pools so small that they meet."""

from __future__ import annotations

from random import Random

from differential_manifests import CONTAINER_PORT, PLACES, resource, service
from differential_rules import NAMES, SUBSETS, VALUE_REGEXES, Manifest, given, often

METHODS = ("GET", "POST", "PUT", "OPTIONS")
PATHS = ("/", "/a", "/a/", "/a/b", "/ab", "/A", "/v1/x", "/a.b", "/a%20b")
REGEXES = (".*", "/a.*", "/[ab]+", "/a/?", "/v([0-9])/(.*)", "(?i)/a")
ORIGINS = ("https://a.example", "https://*.example", "https://*", "*")
OUTSIDE = ("out.example.com", "api.example.org")
WILD = ("*.example.com", "*.example.org", "*.org", "*.v1.api.example.org")
HOSTS = ("a.default.svc.cluster.local", "b.default.svc.cluster.local", "a.shop.svc.cluster.local")
TIMES = ("", "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z", "2026-01-03T00:00:00Z")
GATEWAY_API = "gateway.networking.k8s.io/v1"


def dated(draw: Random, manifest: Manifest) -> Manifest:
    if when := draw.choice(TIMES):
        manifest["metadata"]["creationTimestamp"] = when
    return manifest


def condition(draw: Random, name: str) -> Manifest:
    if draw.random() < 0.7:
        return {"name": name, "value": draw.choice(("1", "2", "12", "a"))}
    return {"name": name, "type": "RegularExpression", "value": draw.choice((*VALUE_REGEXES, "*"))}


def match(draw: Random) -> Manifest:
    def path() -> Manifest:
        kind = draw.choice(("PathPrefix", "PathPrefix", "Exact", "RegularExpression"))
        return {"type": kind, "value": draw.choice(REGEXES if kind == "RegularExpression" else PATHS)}

    return given(
        draw,
        path=(0.75, path),
        method=(0.2, lambda: draw.choice(METHODS)),
        headers=(0.25, lambda: [condition(draw, name) for name in draw.sample(NAMES, draw.choice((1, 2)))]),
        queryParams=(
            0.2,
            lambda: [condition(draw, name) for name in draw.sample(("q", "Q", "r"), draw.choice((1, 2)))],
        ),
    )


def modifier(draw: Random, side: str) -> Manifest:
    def values() -> list[Manifest]:
        return [{"name": name, "value": draw.choice(("s", "1", "100%%"))} for name in draw.sample(("x-a", "X-New"), 1)]

    def host() -> list[Manifest]:
        return [{"name": "Host", "value": "new.host"}]

    change = given(draw, set=(0.5, values), add=(0.5, values), remove=(0.3, lambda: [draw.choice(("x-b", "X-A"))]))
    if side == "Request" and draw.random() < 0.15:
        change["set"] = host()
    return {"type": f"{side}HeaderModifier", f"{side.lower()}HeaderModifier": change}


def backend(draw: Random) -> Manifest:
    if draw.random() < 0.2:
        host = draw.choice((*OUTSIDE, "missing.example"))
        return {"group": "networking.istio.io", "kind": "Hostname", "name": host, "port": 80}
    name, namespace = often(draw, draw.choice(PLACES), ("missing", "default"))
    return {"name": name, "namespace": namespace, "port": often(draw, 80, 5000, 8080, 99)}


def prefix(draw: Random, matches: list[Manifest]) -> bool:
    """Whether the rule may replace a prefix: it has one match, which is a prefix."""
    if len(matches) != 1:
        return False
    return matches[0].get("path", {}).get("type", "PathPrefix") == "PathPrefix"


def path_change(draw: Random, matches: list[Manifest]) -> Manifest:
    if prefix(draw, matches) and draw.random() < 0.7:
        return {"type": "ReplacePrefixMatch", "replacePrefixMatch": draw.choice(("/", "/new", "/new/", ""))}
    return {"type": "ReplaceFullPath", "replaceFullPath": draw.choice(("/whole", "/w/x"))}


def rule(draw: Random) -> Manifest:
    matches = [match(draw) for _ in range(draw.choice((0, 1, 1, 2)))]
    found: Manifest = {"matches": matches} if matches else {}
    filters = [modifier(draw, side) for side in ("Request", "Response") if draw.random() < 0.25]
    if draw.random() < 0.15:
        redirect = given(
            draw,
            scheme=(0.3, lambda: draw.choice(("http", "https"))),
            hostname=(0.3, lambda: "other.example"),
            port=(0.2, lambda: draw.choice((80, 443, 8443))),
            path=(0.5, lambda: path_change(draw, matches or [{}])),
            statusCode=(0.3, lambda: draw.choice((301, 307))),
        )
        return found | {"filters": [*filters, {"type": "RequestRedirect", "requestRedirect": redirect}]}
    if draw.random() < 0.3:
        rewrite = given(
            draw, hostname=(0.5, lambda: "other.example"), path=(0.8, lambda: path_change(draw, matches or [{}]))
        )
        filters.append({"type": "URLRewrite", "urlRewrite": rewrite})
    if draw.random() < 0.2:
        cors = {"allowOrigins": [draw.choice(ORIGINS)]} | given(
            draw,
            allowMethods=(0.5, lambda: draw.choice((["GET"], ["*"]))),
            allowHeaders=(0.5, lambda: draw.choice((["x-a"], ["*"]))),
            exposeHeaders=(0.5, lambda: ["x-pod"]),
            allowCredentials=(0.4, lambda: draw.random() < 0.5),
            maxAge=(0.5, lambda: 60),
        )
        filters.append({"type": "CORS", "cors": cors})
    backends = []
    for _ in range(draw.choice((0, 1, 1, 1, 2, 3))):
        one = backend(draw) | given(draw, weight=(0.5, lambda: draw.choice((0, 1, 50))))
        if draw.random() < 0.2:
            one["filters"] = [modifier(draw, "Request")]
        backends.append(one)
    return found | ({"filters": filters} if filters else {}) | ({"backendRefs": backends} if backends else {})


def parent(draw: Random) -> Manifest:
    if draw.random() < 0.15:
        return {"group": "networking.istio.io", "kind": "ServiceEntry", "name": "e0", "namespace": "default"}
    name, namespace = often(draw, draw.choice(PLACES), ("missing", "default"))
    own = {"group": "", "kind": "Service", "name": name, "namespace": namespace}
    return own | given(draw, port=(0.25, lambda: draw.choice((80, 5000, 8080))))


def http_route(draw: Random, number: int) -> Manifest:
    # The API server refuses two references to one parent that do not both say which part of it they mean.
    parents = [parent(draw) for _ in range(draw.choice((1, 1, 2)))]
    spec = {"parentRefs": [*{(one["kind"], one["name"], one["namespace"]): one for one in parents}.values()]}
    spec["rules"] = [rule(draw) for _ in range(draw.randint(1, 3))]
    made = resource("HTTPRoute", f"r{draw.choice('zyx')}{number}", draw.choice(("default", "default", "shop")), spec)
    return dated(draw, made | {"apiVersion": GATEWAY_API})


def service_entry(draw: Random, number: int) -> Manifest:
    host = draw.choice((*OUTSIDE, *OUTSIDE, HOSTS[0], *WILD))
    numbers = draw.choice(((80,), (80, 5000), (5000,)))
    ports = [
        {
            "number": one,
            "name": f"http-{one}",
            "protocol": draw.choice(("HTTP", "http", "")),
            "targetPort": CONTAINER_PORT,
        }
        for one in numbers
    ]
    spec: Manifest = {"hosts": [host], "ports": ports, "location": draw.choice(("MESH_EXTERNAL", "MESH_INTERNAL"))}
    if host in OUTSIDE and draw.random() < 0.5:
        spec["resolution"] = draw.choice(("DNS", "DNS_ROUND_ROBIN"))
    else:
        endpoints = [
            {"address": f"10.0.{number}.{one}"} | given(draw, labels=(0.7, lambda: {"version": draw.choice(SUBSETS)}))
            for one in range(draw.choice((0, 1, 2)))
        ]
        spec |= {"resolution": "STATIC"} | ({"endpoints": endpoints} if endpoints else {})
    spec |= given(draw, exportTo=(0.2, lambda: [draw.choice((".", "*", "shop"))]))
    return dated(draw, resource("ServiceEntry", f"e{number}", often(draw, "default", "shop"), spec))


def destination_rule(draw: Random, number: int) -> Manifest:
    subsets = [{"name": name, "labels": {"version": name}} for name in SUBSETS]
    spec = {"host": draw.choice((*OUTSIDE, *HOSTS, *WILD)), "subsets": subsets}
    return resource("DestinationRule", f"d{number}", draw.choice(("default", "shop")), spec)


def virtual_service(draw: Random, number: int) -> Manifest:
    aim = {"host": draw.choice((*HOSTS, *OUTSIDE, *WILD))} | given(
        draw, subset=(0.5, lambda: draw.choice(SUBSETS)), port=(0.4, lambda: {"number": draw.choice((80, 5000))})
    )
    route: Manifest = {"route": [{"destination": aim}]}
    if draw.random() < 0.4:
        route["match"] = [{"uri": {"prefix": draw.choice(("/a", "/v1/"))}}]
    spec = {"hosts": [draw.choice((*HOSTS, *OUTSIDE, *WILD, "*.default.svc.cluster.local"))], "http": [route]}
    spec |= given(draw, exportTo=(0.25, lambda: [draw.choice((".", "*", "shop"))]))
    return dated(draw, resource("VirtualService", f"v{number}", often(draw, "default", "shop"), spec))


def manifests(draw: Random) -> list[Manifest]:
    """The manifests of one mesh."""
    found = [one for name, namespace in PLACES for one in service(draw, name, namespace)]
    found += [service_entry(draw, number) for number in range(draw.randint(0, 3))]
    found += [destination_rule(draw, number) for number in range(draw.randint(0, 3))]
    found += [http_route(draw, number) for number in range(draw.randint(1, 4))]
    found += [virtual_service(draw, number) for number in range(draw.randint(0, 3))]
    return found
