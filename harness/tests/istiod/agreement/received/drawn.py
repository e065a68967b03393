"""Meshes with policies for pods, drawn at random, and requests of several clients to them."""

from __future__ import annotations

from random import Random
from typing import Any

from meshproof.border.request import Request

Json = dict[str, Any]

ACCOUNTS = ("", "default", "buyer", "sa", "cart", "default-2")
PLACES = ("default", "shop", "pay", "shop-2")
# Service, namespace, ports by name; `odd` shares its pods with `cart`.
SERVERS = ("cart", "shop"), ("pay", "pay")
PORTS: tuple[tuple[str, int, int], ...] = (
    ("http", 80, 8080),
    ("tcp-x", 81, 8081),
    ("any", 82, 8082),
    ("grpc", 83, 8083),
)
NAMESPACES = (
    *("default", "shop", "pay", "shop-2", "*", "def*", "*ault", "sh*", "*2", "shop*", "other", "*a", "de*t*"),
    *("default/sa", "shop/", "*/sa/*", "sa", "*op-2"),
)
PRINCIPALS = (
    *("*", "cluster.local/ns/default/sa/buyer", "cluster.local/ns/default/sa/default", "cluster.local/ns/shop/*"),
    *("*/sa/buyer", "*/buyer", "*buyer", "*r", "cluster.local/*", "cluster.*", "*/ns/default/sa/default", "*sa/sa"),
    *("cluster.local/ns/default/*", "cluster.local/ns/shop/sa/d*", "other.example/*", "cluster.local", "*/sa/*"),
    *(
        "spiffe://cluster.local/ns/default/sa/buyer",
        "spiffe*",
        "*default/sa/default-2",
        "cluster.local/ns/shop-2/sa/sa",
    ),
)
SERVICE_ACCOUNTS = (
    *("buyer", "default/buyer", "shop/sa", "default", "default/default", "pay/default", "cart", "shop-2/cart"),
    *("other/buyer", "sa"),
)
TRUST_DOMAINS = ("*", "cluster.local", "cluster.*", "*.local", "other", "*", "cluster", "c*", "*l")
PATHS = (
    *(
        "/",
        "/a",
        "/a/b",
        "/a/b/c",
        "/A",
        "/admin",
        "/a/",
        "/x/../admin",
        "//a",
        "/a//b",
        "/a%2fb",
        "/%61dmin",
        "/a?q=1",
    ),
    *(
        "/admin/../a",
        "/a;x=1",
        "/a/..;v/b",
        "/%2e%2e/a",
        "/a%2Fb",
        "/a|b",
        "/a/b?x=/admin",
        "/inner",
        "/inner/a",
        "/a%20b",
    ),
    *("/.", "/a/%2e/b", "/a\\b", "/%41", "/a%252fb"),
)
PATTERNS = (
    *("/", "/a", "/a/b", "/admin", "/a/*", "*", "/*", "*/b", "/a*", "*b", "/A", "/{*}", "/a/{*}", "/{**}", "/a/{**}"),
    *("/{*}/b", "/a/{*}/c", "/inner", "/inner/*", "/{*}/b/{**}", "/a%2fb", "/a%2Fb", "//a", "/admin*", "*?q=1", "/a|b"),
)
METHODS = ("GET", "POST", "HEAD", "OPTIONS", "DELETE")
WANTED_METHODS = ("GET", "POST", "*", "P*", "*T", "get", "HEAD", "G*")
WANTED_HOSTS = (
    *("cart.shop", "cart.shop:80", "cart*", "*.shop", "*", "CART.shop", "cart.shop.svc.cluster.local", "pay.pay*"),
    *("*.svc.cluster.local", "inner.example", "*:80", "pay.pay", "cart", "cart.shop:82", "*shop*", "a", "HTTP*"),
)
WANTED_PORTS = ("80", "8080", "8081", "8082", "82", "81", "8083")
HEADERS = ("x-a", "x-b", "user-agent", "host", ":authority", ":path", "X-A", ":method")


ALONE = {"sidecar.istio.io/inject": "false"}
CANONICAL = "service.istio.io/canonical-name"


def some(draw: Random, name: str, several: tuple[str, ...], chance: float) -> Json:
    if draw.random() > chance:
        return {}
    found: Json = {}
    form = draw.random()
    if form < 0.8:
        found[name] = draw.choices(several, k=draw.choice((1, 1, 2, 3)))
    if form > 0.65:
        found[f"not{name[0].upper()}{name[1:]}"] = draw.choices(several, k=draw.choice((1, 1, 2)))
    return found


def source(draw: Random) -> Json:
    form = draw.random()
    if form < 0.25:
        found = some(draw, "serviceAccounts", SERVICE_ACCOUNTS, 1)
    elif form < 0.6:
        found = some(draw, "principals", PRINCIPALS, 1) | some(draw, "namespaces", NAMESPACES, 0.25)
    else:
        found = some(draw, "namespaces", NAMESPACES, 1)
    found |= some(draw, "trustDomains", TRUST_DOMAINS, 0.1)
    found |= some(draw, "ipBlocks", ("10.0.0.0/8", "127.0.0.0/8"), 0.03)
    return {"source": found}


def operation(draw: Random) -> Json:
    found = some(draw, "paths", PATTERNS, 0.6) | some(draw, "methods", WANTED_METHODS, 0.25)
    found |= some(draw, "hosts", WANTED_HOSTS, 0.25) | some(draw, "ports", WANTED_PORTS, 0.2)
    return {"operation": found or {"paths": ["/a*"]}}


def condition(draw: Random) -> Json:
    key, several = draw.choice(
        (
            ("source.namespace", NAMESPACES),
            ("source.principal", PRINCIPALS),
            ("source.serviceAccount", SERVICE_ACCOUNTS),
            ("source.trustDomain", TRUST_DOMAINS),
            ("destination.port", WANTED_PORTS),
            (f"request.headers[{draw.choice(HEADERS)}]", ("a", "b*", "*", "cart.shop", "/a", "GET")),
            ("connection.sni", ("*", "outbound*")),
            ("source.ip", ("10.0.0.0/8",)),
        )
    )
    found = {"key": key}
    form = draw.random()
    if form < 0.75:
        found["values"] = draw.choices(several, k=draw.choice((1, 2)))
    if form > 0.6:
        found["notValues"] = draw.choices(several, k=draw.choice((1, 2)))
    return found


def rule(draw: Random) -> Json:
    found: Json = {}
    if draw.random() < 0.7:
        found["from"] = [source(draw) for _ in range(draw.choice((1, 1, 2)))]
    if draw.random() < 0.5:
        found["to"] = [operation(draw) for _ in range(draw.choice((1, 1, 2)))]
    if draw.random() < 0.2:
        found["when"] = [condition(draw) for _ in range(draw.choice((1, 1, 2)))]
    return found


def policy(draw: Random, number: int) -> Json:
    action = draw.choice(("ALLOW", "ALLOW", "ALLOW", "DENY", "DENY", "AUDIT", "CUSTOM") if number else ("ALLOW",))
    # istiod takes no conditions on clients with CUSTOM.
    make = (lambda: {"to": [operation(draw)]}) if action == "CUSTOM" else (lambda: rule(draw))
    spec: Json = {"action": action, "rules": [make() for _ in range(draw.choice((1, 1, 2)))]}
    if action == "CUSTOM":
        spec["provider"] = {"name": "asked"}
    if draw.random() < 0.05:
        spec = {}
    if spec and draw.random() < 0.4:
        label = draw.choice(("app", "app", "app", CANONICAL))
        spec["selector"] = {"matchLabels": {label: draw.choice(("cart", "cart", "pay", "other"))}}
    metadata: Json = {"name": f"p{number}", "namespace": draw.choice(("shop", "shop", "pay", "istio-system"))}
    if draw.random() < 0.05 and action in ("ALLOW", "DENY") and spec:
        metadata["annotations"] = {"istio.io/dry-run": "true"}
    return of("security.istio.io/v1", "AuthorizationPolicy", metadata, spec)


def of(version: str, kind: str, metadata: Json, spec: Json) -> Json:
    return {"apiVersion": version, "kind": kind, "metadata": metadata, "spec": spec}


def workload(name: str, namespace: str, account: str, ports: tuple[int, ...]) -> Json:
    labels = {"app": name, "version": "v1"}
    pod: Json = {"containers": [{"name": "c", "image": "x", "ports": [{"containerPort": one} for one in ports]}]}
    if account:
        pod["serviceAccountName"] = account
    spec = {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": pod}}
    return of("apps/v1", "Deployment", {"name": name, "namespace": namespace}, spec)


def service(name: str, namespace: str, selected: str, ports: tuple[tuple[str, int, int], ...], **more: str) -> Json:
    opened = [{"name": called, "port": number, "targetPort": target} for called, number, target in ports]
    return of(
        "v1",
        "Service",
        {"name": name, "namespace": namespace},
        {"selector": {"app": selected}, "ports": opened, **more},
    )


def virtual_service(draw: Random) -> Json:
    rules: list[Json] = []
    to = {"route": [{"destination": {"host": "cart", "port": {"number": draw.choice((80, 80, 82))}}}]}
    if draw.random() < 0.3:
        to["route"][0]["headers"] = {"request": {"set": {"x-a": "b1"}, "remove": ["x-b"]}}
    if draw.random() < 0.3:
        name = draw.choice(("host", ":authority", "Host"))
        value = draw.choice(("inner.example", "inner.example", "%REQ(x-a)%", "%REQ(:authority)%", "%PROTOCOL%"))
        kind = draw.choice(("set", "set", "add"))
        place = draw.choice((to, to["route"][0]))
        place["headers"] = {"request": {kind: {name: value}}}
    rewritten = draw.random()
    if rewritten < 0.2:
        rules.append(
            {
                "match": [{"uri": {"prefix": "/a"}}],
                "rewrite": {"uri": draw.choice(("/inner", "/", "//a", "/admin/"))},
                **to,
            }
        )
    elif rewritten < 0.4:
        rules.append({"match": [{"uri": {"prefix": "/a"}}], "rewrite": {"authority": "inner.example"}, **to})
    elif rewritten < 0.5:
        rules.append({"match": [{"uri": {"prefix": "/admin"}}], "redirect": {"uri": "/a"}})
    elif rewritten < 0.6:
        rules.append({"match": [{"uri": {"prefix": "/admin"}}], "directResponse": {"status": 503}})
    elif rewritten < 0.7:
        shared = [
            {"destination": {"host": "cart"}, "weight": 50},
            {"destination": {"host": "pay.pay.svc.cluster.local"}, "weight": 50},
        ]
        rules.append({"match": [{"uri": {"prefix": "/a"}}], "route": shared})
    elif rewritten < 0.8:
        rules.append({"match": [{"uri": {"prefix": "/a"}}], "mirror": {"host": "pay.pay.svc.cluster.local"}, **to})
    rules.append(to)
    spec = {"hosts": ["cart"], "http": rules}
    return of("networking.istio.io/v1", "VirtualService", {"name": "cart", "namespace": "shop"}, spec)


def peer_authentication(draw: Random, number: int) -> Json:
    mode = draw.choice(("STRICT", "DISABLE", "PERMISSIVE"))
    spec: Json = {"mtls": {"mode": mode}}
    place = draw.choice(("shop", "istio-system", "pay"))
    if draw.random() < 0.5 and place != "istio-system":
        spec["selector"] = {"matchLabels": {"app": "cart"}}
        spec["portLevelMtls"] = {"8080": {"mode": draw.choice(("STRICT", "DISABLE", "PERMISSIVE"))}}
    return of("security.istio.io/v1", "PeerAuthentication", {"name": f"mtls-{number}", "namespace": place}, spec)


def manifests(draw: Random) -> list[Json]:
    """Clients, two servers, and policies for them."""
    found = [workload(f"client-{place}", place, draw.choice(ACCOUNTS), (9000,)) for place in PLACES]
    if draw.random() < 0.2:
        found.append(workload("outsider", "default", draw.choice(ACCOUNTS), (9000,)))
        found[-1]["spec"]["template"]["metadata"]["annotations"] = dict(ALONE)
    for name, place in SERVERS:
        found.append(workload(name, place, draw.choice(ACCOUNTS), tuple(one[2] for one in PORTS)))
        if draw.random() < 0.05:
            found[-1]["spec"]["template"]["metadata"]["annotations"] = dict(ALONE)
        ports = PORTS
        if draw.random() < 0.15:
            ports = tuple(
                (f"{draw.choice(('tcp', 'http', 'any', 'http2', 'tls'))}-{at}", *one[1:])
                for at, one in enumerate(PORTS)
            )
        found.append(service(name, place, name, ports))
    if draw.random() < 0.3:
        called = draw.choice(("tcp-odd", "http-odd", "odd", "mysql-odd"))
        name = draw.choice(("aaa", "odd"))
        more = {"clusterIP": "None"} if draw.random() < 0.3 else {}
        odd = service(name, "shop", "cart", ((called, 80, 8080), (f"{called}-2", 81, 8082)), **more)
        # Of two Services the older one says what a port of their pods carries.
        found.insert(draw.choice((0, len(found))), odd)
    if draw.random() < 0.6:
        found.append(virtual_service(draw))
    found += [peer_authentication(draw, number) for number in range(draw.choice((0, 0, 0, 1, 2)))]
    if draw.random() < 0.15:
        mode = draw.choice(("DISABLE", "ISTIO_MUTUAL"))
        spec: Json = {
            "host": draw.choice(("cart", "pay.pay.svc.cluster.local")),
            "trafficPolicy": {"tls": {"mode": mode}},
        }
        found.append(of("networking.istio.io/v1", "DestinationRule", {"name": "cart", "namespace": "shop"}, spec))
    found += [policy(draw, number) for number in range(draw.choice((1, 1, 2, 2, 3, 4)))]
    return found


def requests(draw: Random, called: list[tuple[str, int]], number: int) -> list[Request]:
    """Requests to these hosts and ports."""
    found = []
    for _ in range(number):
        host, port = draw.choice(called)
        headers = tuple((name, draw.choice(("a", "b1", ""))) for name in ("x-a", "x-b") if draw.random() < 0.2)
        if draw.random() < 0.1:
            headers = (*headers, ("host", f"{host}:{port}"))
        method = draw.choice(("GET", "GET", "GET", *METHODS))
        found.append(Request(method, host, port, draw.choice(PATHS), headers))
    return found
