"""Gateways of the Gateway API to the model: their listeners, and the HTTPRoutes that attach to these."""

from __future__ import annotations

import io

import pytest
from meshproof.manifest import load
from meshproof.mesh.build.assemble import build_all
from meshproof.mesh.model.gateway import TlsMode
from meshproof.mesh.model.unmodelled import Asked, Entering

SERVICES = "".join(
    f"""\
apiVersion: v1
kind: Service
metadata: {{name: {name}, namespace: {namespace}}}
spec: {{selector: {{app: {name}}}, ports: [{{name: http, port: 80}}]}}
---
"""
    for name, namespace in (("web", "shop"), ("far", "bank"))
)
FROM_ALL = "allowedRoutes: {namespaces: {from: All}}"
HTTP = f"name: http, port: 80, protocol: HTTP, {FROM_ALL}"
ATTACHED = "{name: public, namespace: infra}"


def gateway(*listeners: str, more: str = "", name: str = "public", namespace: str = "infra") -> str:
    head = f"""\
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {{name: {name}, namespace: {namespace}}}
spec:
  gatewayClassName: istio
  {more}
  listeners:
"""
    return (head if "gatewayClassName" not in more else head.replace("  gatewayClassName: istio\n", "")) + "".join(
        f"  - {{{one}}}\n" for one in listeners
    )


def route(
    *, hosts: str = "", parent: str = ATTACHED, namespace: str = "shop", name: str = "r", to: str = "name: web"
) -> str:
    return f"""\
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {{name: {name}, namespace: {namespace}}}
spec:
  hostnames: [{hosts}]
  parentRefs: [{parent}]
  rules: [{{backendRefs: [{{{to}, port: 80}}]}}]
"""


def grant(*, to: str = "far", source: str = "shop", kind: str = "HTTPRoute") -> str:
    return f"""\
apiVersion: gateway.networking.k8s.io/v1
kind: ReferenceGrant
metadata: {{name: g, namespace: bank}}
spec:
  from: [{{group: gateway.networking.k8s.io, kind: {kind}, namespace: {source}}}]
  to: [{{group: "", kind: Service, name: {to}}}]
"""


def built(*several: str):
    text = SERVICES + "---\n".join(several)
    return build_all(load(["-"], stdin=io.StringIO(text), strict=False))


def attached(*several: str) -> set[tuple[str, str]]:
    """(gateway, host) of every VirtualService."""
    return {(way, host) for one in built(*several).mesh.virtual_services for way in one.gateways for host in one.hosts}


def test_each_listener_is_a_gateway_of_one_server() -> None:
    secured = "name: tls, port: 443, protocol: HTTPS, hostname: '*.example.com', tls: {certificateRefs: [{name: pair}]}"
    made = built(gateway(secured, HTTP, more="infrastructure: {labels: {team: blue}}")).mesh
    assert not made.unmodelled
    plain, tls = made.gateways
    assert (plain.key, plain.called, tls.key) == ("infra/public/http", "infra/public", "infra/public/tls")
    (server,) = tls.servers
    assert (server.port, server.protocol, server.limits) == (443, "HTTPS", (("infra", "*.example.com"),))
    assert (server.tls.mode, server.tls.credential_name) == (TlsMode.SIMPLE, "pair")
    assert plain.servers[0].limits == (("", "*"),)
    namespace, labels = made.pods_of(plain)
    assert (namespace, labels["gateway.networking.k8s.io/gateway-name"], labels["team"]) == ("infra", "public", "blue")
    assert made.pods_of(tls) == made.pods_of(plain)


def test_a_gateway_is_found_by_its_own_name_as_well() -> None:
    made = built(gateway(HTTP)).mesh
    assert made.gateway("infra/public") is made.gateway("infra/public/http") is made.gateways[0]


def test_one_of_istio_of_that_name_is_another_one() -> None:
    istio = """\
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: public, namespace: infra}
spec:
  selector: {app: edge}
  servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: ["*"]}]
"""
    made = built(gateway(HTTP), istio).mesh
    assert [one.key for one in made.gateways] == ["infra/public", "infra/public/http"]
    assert made.gateway("infra/public").selector == {"app": "edge"}


def test_gateways_of_one_name_in_two_namespaces_have_pods_of_their_own() -> None:
    one, other = built(gateway(HTTP), gateway(HTTP, namespace="shop")).mesh.gateways
    assert not one.selector.items() <= other.selector.items()


@pytest.mark.parametrize(
    ("listeners", "why"),
    [
        ((), "needs at least one listener"),
        ((HTTP, HTTP.replace("80", "81")), "two listeners called http"),
        ((HTTP, HTTP.replace("name: http", "name: b")), "two listeners for HTTP on port 80 and the same hostname"),
        (("name: a, port: 0, protocol: HTTP",), "port"),
        (("name: a, port: 80, protocol: HTTP, hostname: Example.com",), "no host name in lower case"),
        (("name: a, port: 80, protocol: HTTP, tls: {certificateRefs: [{name: c}]}",), "HTTP cannot have tls"),
        (("name: a, port: 80, protocol: TCP, hostname: a.example.com",), "TCP has no hostname"),
        (("name: a, port: 443, protocol: HTTPS, tls: {mode: Passthrough}",), "terminates TLS"),
        (("name: a, port: 443, protocol: TLS",), "needs tls.mode"),
        (("name: a, port: 443, protocol: HTTPS, tls: {mode: Terminate}",), "needs certificateRefs"),
    ],
)
def test_what_the_api_server_refuses(listeners: tuple[str, ...], why: str) -> None:
    made = built(gateway(*listeners)).mesh
    (one,) = made.unmodelled
    assert why in one.why
    assert one.refused
    assert one.touches == (Entering("infra/public"),)
    assert not made.gateways


@pytest.mark.parametrize(
    ("text", "why", "touched"),
    [
        (gateway(HTTP, more="gatewayClassName: nginx"), "class nginx", Entering("infra/public")),
        (
            gateway(HTTP, more="addresses: [{type: Hostname, value: edge}]"),
            "Service of its own",
            Entering("infra/public"),
        ),
        (
            gateway(HTTP, more="infrastructure: {parametersRef: {group: '', kind: ConfigMap, name: c}}"),
            "parametersRef",
            None,
        ),
        (gateway("name: a, port: 99, protocol: TCP"), "listener for TCP", Entering("infra/public", 99)),
        (
            gateway("name: a, port: 99, protocol: TLS, tls: {mode: Passthrough}"),
            "for TLS",
            Entering("infra/public", 99),
        ),
        (
            gateway("name: a, port: 99, protocol: HTTPS, tls: {certificateRefs: [{name: c, namespace: x}]}"),
            "of another namespace",
            Entering("infra/public", 99),
        ),
        (
            gateway("name: a, port: 99, protocol: HTTPS, tls: {certificateRefs: [{name: c}], options: {a: b}}"),
            "options of tls",
            Entering("infra/public", 99),
        ),
        (
            gateway(HTTP.replace("{from: All}", "{from: Selector, selector: {matchLabels: {a: b}}}")),
            "which namespaces have such labels",
            Entering("infra/public", 80),
        ),
    ],
)
def test_what_is_not_modelled_costs_what_enters_there(text: str, why: str, touched: Entering | None) -> None:
    (one,) = built(text).mesh.unmodelled
    assert why in one.why
    assert not one.refused
    assert one.touches == (touched or Entering("infra/public"),)


def test_listeners_of_two_protocols_on_a_port_are_not_modelled() -> None:
    secured = "name: tls, port: 80, protocol: HTTPS, hostname: a.example.com, tls: {certificateRefs: [{name: c}]}"
    made = built(gateway(HTTP, secured, "name: other, port: 81, protocol: HTTP")).mesh
    assert {touch for one in made.unmodelled for touch in one.touches} == {Entering("infra/public", 80)}
    assert [one.key for one in made.gateways] == ["infra/public/other"]


def test_a_listener_for_https_without_tls_is_none() -> None:
    found = built(gateway("name: a, port: 443, protocol: HTTPS"))
    assert not found.mesh.gateways
    assert not found.mesh.unmodelled
    assert any("istiod opens none" in one.message for one in found.notices)


def test_a_secret_of_another_namespace_is_no_certificate() -> None:
    secret = """\
apiVersion: v1
kind: Secret
metadata: {name: pair, namespace: shop}
type: kubernetes.io/tls
data: {tls.crt: YQ==, tls.key: YQ==}
"""
    secured = "name: tls, port: 443, protocol: HTTPS, tls: {certificateRefs: [{name: pair}]}"
    (one,) = built(gateway(secured), secret).mesh.unmodelled
    assert "in shop, not in infra" in one.why
    assert one.refused
    assert one.touches == (Entering("infra/public/tls", 443),)
    assert not built(gateway(secured), secret.replace("shop", "infra")).mesh.unmodelled


def test_routes_attach_to_the_listeners_of_their_hosts() -> None:
    narrow = f"name: b, port: 80, protocol: HTTP, hostname: '*.example.com', {FROM_ALL}"
    exact = f"name: c, port: 80, protocol: HTTP, hostname: a.example.com, {FROM_ALL}"
    elsewhere = f"name: d, port: 81, protocol: HTTP, {FROM_ALL}"
    several = gateway(HTTP, narrow, exact, elsewhere)
    assert attached(several, route(hosts="a.example.com, b.example.com, '*.x.example.com', other.org")) == {
        ("infra/public/c", "a.example.com"),
        ("infra/public/b", "b.example.com"),
        ("infra/public/b", "*.x.example.com"),
        ("infra/public/http", "other.org"),
        *(("infra/public/d", one) for one in ("a.example.com", "b.example.com", "*.x.example.com", "other.org")),
    }
    assert attached(several, route()) == {(f"infra/public/{one}", "*") for one in ("http", "b", "c", "d")}


@pytest.mark.parametrize(
    ("parent", "listeners"),
    [
        ("{name: public, namespace: infra, sectionName: b}", {"b"}),
        ("{name: public, namespace: infra, port: 80}", {"http"}),
        ("{name: public, namespace: infra, port: 81, sectionName: http}", set()),
        ("{name: public, namespace: infra, sectionName: none}", set()),
    ],
)
def test_section_and_port_choose_among_listeners(parent: str, listeners: set[str]) -> None:
    several = gateway(HTTP, f"name: b, port: 81, protocol: HTTP, {FROM_ALL}")
    found = attached(several, route(parent=parent))
    assert {gateway.rpartition("/")[2] for gateway, _ in found} == listeners


@pytest.mark.parametrize(
    ("allowed", "namespaces"),
    [
        ("", {"infra"}),
        ("namespaces: {from: Same}", {"infra"}),
        ("namespaces: {from: All}", {"infra", "shop", "bank"}),
        (
            "namespaces: {from: Selector, selector: {matchLabels: {kubernetes.io/metadata.name: bank}}}",
            {"bank"},
        ),
        (
            "namespaces: {from: Selector, selector: {matchExpressions: "
            "[{key: kubernetes.io/metadata.name, operator: In, values: [shop, bank]}]}}",
            {"shop", "bank"},
        ),
        ("namespaces: {from: All}, kinds: [{kind: GRPCRoute}]", set()),
        ("namespaces: {from: All}, kinds: [{kind: GRPCRoute}, {kind: HTTPRoute}]", {"infra", "shop", "bank"}),
    ],
)
def test_a_listener_takes_routes_of_the_namespaces_that_it_allows(allowed: str, namespaces: set[str]) -> None:
    several = gateway(f"name: http, port: 80, protocol: HTTP, allowedRoutes: {{{allowed}}}")
    routes = [route(namespace=one, hosts=f"{one}.example.com") for one in ("infra", "shop", "bank")]
    assert attached(several, *routes) == {("infra/public/http", f"{one}.example.com") for one in namespaces}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (route(parent="{name: public, namespace: infra, sectionName: x}"), "no listener called x"),
        (route(parent="{name: public, namespace: infra, port: 8080}"), "no listener of port 8080"),
        (route(namespace="bank"), "takes an HTTPRoute of namespace bank"),
        (route(hosts="a.org", namespace="infra"), "is for a.org"),
    ],
)
def test_it_is_said_why_a_route_attaches_to_nothing(text: str, why: str) -> None:
    found = built(gateway("name: http, port: 80, protocol: HTTP, hostname: a.example.com"), text)
    assert any(why in one.message for one in found.notices)
    assert not found.mesh.virtual_services


def test_routes_for_one_host_of_a_listener_are_one_virtual_service() -> None:
    found = built(gateway(HTTP), route(hosts="a.org"), route(hosts="a.org", namespace="bank", name="s")).mesh
    (one,) = found.virtual_services
    assert (one.namespace, len(one.http), one.gateways) == ("bank", 2, ("infra/public/http",))


def test_two_ways_to_one_listener_are_one() -> None:
    twice = "{name: public, namespace: infra}, {name: public, namespace: infra, sectionName: http}"
    (one,) = built(gateway(HTTP), route(parent=twice)).mesh.virtual_services
    assert len(one.http) == 1


@pytest.mark.parametrize(
    ("granted", "host"),
    [
        ((), "Service bank/far"),
        ((grant(),), "far.bank.svc.cluster.local"),
        ((grant(to=""),), "far.bank.svc.cluster.local"),
        ((grant(to="other"),), "Service bank/far"),
        ((grant(source="infra"),), "Service bank/far"),
        ((grant(kind="GRPCRoute"),), "Service bank/far"),
    ],
)
def test_a_backend_of_another_namespace_has_to_be_granted(granted: tuple[str, ...], host: str) -> None:
    text = route(to="name: far, namespace: bank")
    (one,) = built(
        gateway(HTTP), text, *(each.replace("name: }", "name: ''}") for each in granted)
    ).mesh.virtual_services
    assert one.http[0].destinations[0].destination.host == host


def test_a_mirror_that_is_not_granted_is_left_out() -> None:
    mirror = "filters: [{type: RequestMirror, requestMirror: {backendRef: {name: far, namespace: bank, port: 80}}}]"
    text = route().replace("rules: [{", f"rules: [{{{mirror}, ")
    (one,) = built(gateway(HTTP), text).mesh.virtual_services
    assert not one.http[0].mirrors
    (one,) = built(gateway(HTTP), text, grant()).mesh.virtual_services
    assert len(one.http[0].mirrors) == 1


def test_the_gateway_of_a_route_that_is_not_there_costs_what_enters_by_it() -> None:
    (one,) = built(route(hosts="a.org")).mesh.unmodelled
    assert "Gateway infra/public is not among these manifests" in one.why
    assert one.touches == (Asked(("a.org",), ("infra/public",)),)


def test_a_route_that_is_refused_costs_what_asks_the_gateway_for_its_hosts() -> None:
    text = route(hosts="a.org").replace("rules: [{", "rules: [{filters: [{type: ExtensionRef}], ")
    (one,) = built(gateway(HTTP), text).mesh.unmodelled
    assert one.refused
    assert one.touches == (Asked(("a.org",), ("infra/public",)),)
