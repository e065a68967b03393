"""HTTPRoutes and ServiceEntries on a real Envoy, as istiod would have it serve them."""

from __future__ import annotations

import asyncio
import io
from collections import Counter

import pytest
from meshproof.envoy.node import Proxy
from meshproof.manifest import load
from meshproof.mesh.build.assemble import build

WEB = "web.default.svc.cluster.local"
SITE = "".join(
    f"""\
apiVersion: v1
kind: Service
metadata: {{name: {name}, namespace: {namespace}}}
spec: {{selector: {{app: {name}}}, ports: [{{name: http, port: 80, targetPort: 8080}}]}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}, namespace: {namespace}}}
spec:
  selector: {{matchLabels: {{app: {name}}}}}
  template:
    metadata: {{labels: {{app: {name}}}}}
    spec: {{containers: [{{name: c, image: x, ports: [{{containerPort: 8080}}]}}]}}
---
"""
    for name, namespace in (("web", "default"), ("v1", "default"), ("v2", "default"), ("far", "shop"))
)
ROUTE = """\
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: r, namespace: NAMESPACE}
spec:
  parentRefs: [{group: "", kind: Service, name: web, namespace: default}]
  rules:
"""
TO_V1 = "backendRefs: [{name: v1, port: 80}]"
PREFLIGHT = {"access-control-request-method": "GET"}


def route(*rules: str, namespace: str = "default") -> str:
    return ROUTE.replace("NAMESPACE", namespace) + "".join(f"  - {{{one}}}\n" for one in rules) + "---\n"


def mesh(text: str):
    return build(load(["-"], stdin=io.StringIO(SITE + text)).resources).mesh


@pytest.fixture
def asked(site):
    """(status, headers, body) of each (path, options), asked by a client in a namespace; with all that pods saw."""

    def ask(text: str, *several: tuple[str, dict], namespace: str = "default", host: str = WEB):
        async def run():
            async with site() as here:
                _, ports = await here.serve(mesh(text), Proxy(namespace=namespace))
                answers = [await here.ask(ports[80], path, **{"host": host, **options}) for path, options in several]
                return answers, [head for heads in here.seen.values() for head in heads]

        return asyncio.run(run())

    return ask


def of(*paths: str) -> list[tuple[str, dict]]:
    return [(path, {}) for path in paths]


def test_a_path_prefix_is_one_of_segments(asked) -> None:
    text = route(f"matches: [{{path: {{value: /a}}}}], {TO_V1}", "backendRefs: [{name: v2, port: 80}]")
    answers, _ = asked(text, *of("/a", "/a/", "/a/b?x=1", "/ab", "/"))
    assert [body for _, _, body in answers] == ["v1-0", "v1-0", "v1-0", "v2-0", "v2-0"]


def test_the_most_specific_rule_decides(asked) -> None:
    text = route(
        "backendRefs: [{name: web, port: 80}]",
        "matches: [{path: {value: /a}}], backendRefs: [{name: v2, port: 80}]",
        f"matches: [{{path: {{value: /a}}, method: GET}}, {{path: {{type: Exact, value: /b}}}}], {TO_V1}",
    )
    answers, _ = asked(text, *of("/a", "/b", "/bb"), ("/a", {"method": "PUT"}))
    assert [body for _, _, body in answers] == ["v1-0", "v1-0", "web-0", "v2-0"]


def test_what_is_not_there_answers_500(asked) -> None:
    text = route(
        "matches: [{path: {value: /none}}]",
        "matches: [{path: {value: /zero}}], backendRefs: [{name: v1, port: 80, weight: 0}]",
        "matches: [{path: {value: /gone}}], backendRefs: [{name: gone, port: 80}]",
        "matches: [{path: {value: /port}}], backendRefs: [{name: v1, port: 81}]",
        "matches: [{path: {value: /lone}}], backendRefs: [{name: v1, port: 80}, {name: gone, port: 80, weight: 0}]",
        "matches: [{path: {value: /far}}], backendRefs: [{name: far, namespace: shop, port: 80}]",
    )
    answers, _ = asked(text, *of("/none", "/zero", "/gone", "/port", "/lone", "/far", "/else"))
    assert [status for status, _, _ in answers] == [500, 500, 500, 500, 200, 200, 404]
    assert answers[5][2] == "far-0"


def test_a_missing_backend_answers_500_for_its_share(asked) -> None:
    text = route("backendRefs: [{name: v1, port: 80}, {name: gone, port: 80}]")
    answers, _ = asked(text, *of("/") * 200)
    # Fewer than 60 or more than 140 of 200 fair draws: less than one in ten million.
    counts = Counter(status for status, _, _ in answers)
    assert set(counts) == {200, 500}
    assert 60 <= counts[500] <= 140


@pytest.mark.parametrize(
    ("by", "seen"),
    [("/", ["/", "/", "/x?q=1", "//x"]), ("/new/", ["/new", "/new/", "/new/x?q=1", "/new//x"])],
)
def test_a_prefix_rewritten(asked, by: str, seen: list[str]) -> None:
    rewrite = f"{{type: URLRewrite, urlRewrite: {{path: {{type: ReplacePrefixMatch, replacePrefixMatch: {by}}}}}}}"
    text = route(f"matches: [{{path: {{value: /old.a}}}}], filters: [{rewrite}], {TO_V1}")
    _, heads = asked(text, *of("/old.a", "/old.a/", "/old.a/x?q=1", "/old.a//x"))
    assert [head[0].split()[1] for head in heads] == seen


def test_redirects(asked) -> None:
    def redirect(path: str, change: str) -> str:
        filters = f"[{{type: RequestRedirect, requestRedirect: {{{change}}}}}]"
        return f"matches: [{{path: {{value: {path}}}}}], filters: {filters}"

    text = route(
        redirect("/bare", "path: {type: ReplacePrefixMatch, replacePrefixMatch: /}"),
        redirect("/slash", "path: {type: ReplacePrefixMatch, replacePrefixMatch: /new/}, statusCode: 301"),
        redirect("/empty", "path: {type: ReplacePrefixMatch, replacePrefixMatch: ''}"),
        redirect("/host", "hostname: n.example, scheme: https"),
    )
    answers, _ = asked(text, *of("/bare", "/bare/x?q=1", "/slash/x", "/empty/x", "/host"))
    assert [(status, headers["location"]) for status, headers, _ in answers] == [
        (302, f"http://{WEB}/"),
        (302, f"http://{WEB}//x?q=1"),
        (301, f"http://{WEB}/new//x"),
        (302, f"http://{WEB}/empty/x"),
        (302, "https://n.example/host"),
    ]


def test_preflights(asked) -> None:
    def cors(origin: str) -> str:
        given = f"allowOrigins: ['{origin}'], allowMethods: [GET], allowHeaders: [x-a], exposeHeaders: [x-e]"
        given += ", allowCredentials: true"
        return f"filters: [{{type: CORS, cors: {{{given}}}}}], {TO_V1}"

    text = route(cors("https://a.example"), f"matches: [{{path: {{value: /any}}}}], {cors('*')}")
    origins = ("https://a.example", "https://b.example")
    several = [("/", {"method": "OPTIONS", "headers": {"origin": one, **PREFLIGHT}}) for one in origins]
    others = ("https://x.example:8443", "null", "https://x.example/")
    several += [("/any", {"method": "OPTIONS", "headers": {"origin": one, **PREFLIGHT}}) for one in others]
    answers, heads = asked(text, *several)
    assert [status for status, _, _ in answers] == [200] * 5
    assert heads == []
    allowed = [headers.get("access-control-allow-origin") for _, headers, _ in answers]
    assert allowed == ["https://a.example", None, "https://x.example:8443", None, None]
    # All but the leave itself, and what it exposes.
    foreign = {name[15:]: value for name, value in answers[1][1].items() if name.startswith("access-control-")}
    assert foreign == {
        "allow-methods": "GET",
        "allow-headers": "x-a",
        "allow-credentials": "true",
        "max-age": "5",
    }


def test_a_route_of_another_namespace_is_for_its_own_clients(asked) -> None:
    text = route("backendRefs: [{name: far, port: 80}]", namespace="shop")
    for namespace, pod in (("shop", "far-0"), ("default", "web-0"), ("third", "web-0")):
        answers, _ = asked(text, *of("/"), namespace=namespace)
        assert [body for _, _, body in answers] == [pod]


ENTRY = """\
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: out, namespace: NAMESPACE}
spec:
  hosts: [HOST]
  ports: [{number: 80, name: NAME, protocol: HTTP}]
  resolution: STATIC
  endpoints: [{address: 10.0.0.1, labels: {version: a}}, {address: 10.0.0.2, labels: {version: b}, ports: {NAME: 81}}]
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: out, namespace: NAMESPACE}
spec:
  host: HOST
  subsets: [{name: b, labels: {version: b}}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: out, namespace: NAMESPACE}
spec:
  hosts: [HOST]
  http:
  - match: [{uri: {prefix: /b}}]
    route: [{destination: {host: HOST, subset: b}}]
  - route: [{destination: {host: HOST}}]
---
"""


def entry(host: str = "out.example.com", namespace: str = "default", name: str = "http") -> str:
    return ENTRY.replace("HOST", host).replace("NAMESPACE", namespace).replace("NAME", name)


def test_a_host_outside_is_reached_by_its_name_and_in_its_subsets(asked) -> None:
    several = of(*["/"] * 20, *["/b"] * 3)
    answers, _ = asked(entry(), *several, host="out.example.com")
    assert {body for _, _, body in answers[:20]} == {"out.example.com-1-0", "out.example.com-2-0"}
    assert [body for _, _, body in answers[20:]] == ["out.example.com-2-0"] * 3
    for host, status in (("out.example.com.", 200), ("out.example.com:80", 200), ("out", 502)):
        assert asked(entry(), *of("/"), host=host)[0][0][0] == status


def test_a_host_outside_is_reached_by_its_address_too(asked) -> None:
    text = entry().replace("  resolution:", "  addresses: [10.1.1.1]\n  resolution:")
    for host, status in (("10.1.1.1", 200), ("10.1.1.1:80", 200), ("10.1.1.2", 502)):
        answers, _ = asked(text, *of("/b"), host=host)
        assert answers[0][0] == status
    assert asked(text, *of("/b"), host="10.1.1.1")[0][0][2] == "out.example.com-2-0"


@pytest.mark.parametrize(
    ("namespace", "name", "client", "pods"),
    [
        ("default", "http", "default", {"web-0", f"{WEB}-1-0", f"{WEB}-2-0"}),
        ("default", "http-ext", "default", {"web-0"}),
        ("shop", "http", "default", {"web-0"}),
        ("shop", "http", "shop", {f"{WEB}-1-0", f"{WEB}-2-0"}),
        ("shop", "http", "third", {"web-0"}),
    ],
)
def test_beside_a_service_of_the_same_host(asked, namespace: str, name: str, client: str, pods: set[str]) -> None:
    text = entry(WEB, namespace, name).partition("---\n")[0] + "---\n"
    answers, _ = asked(text, *of("/") * 30, namespace=client)
    assert {body for _, _, body in answers} == pods


def alias(name: str, of: str, more: str = "") -> str:
    head = f"apiVersion: v1\nkind: Service\nmetadata: {{name: {name}, namespace: default}}\n"
    return f"{head}spec: {{type: ExternalName, externalName: {of}{more}}}\n---\n"


def test_external_names_are_aliases(asked) -> None:
    ports = ", ports: [{name: http, port: 80}]"
    text = alias("old", "far.shop.svc.cluster.local") + alias("led", "far.shop.svc.cluster.local", ports)
    text += alias("gone", "nobody.example", ports)
    rule = "{{match: [{{uri: {{prefix: /{0}}}}}], route: [{{destination: {{host: {0}}}}}]}}"
    rules = [rule.format(name) for name in ("led", "old", "gone")]
    text += "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: v, namespace: default}\n"
    text += f"spec: {{hosts: [web], http: [{', '.join(rules)}]}}\n---\n"
    answers, _ = asked(text, *of("/led", "/old", "/gone"), ("/", {"host": "old"}), ("/", {"host": "gone"}))
    # Without the port of the listener an alias is no destination, though requests may ask for it.
    assert [status for status, _, _ in answers] == [200, 503, 503, 200, 502]
    assert [answers[at][2] for at in (0, 3)] == ["far-0", "far-0"]
