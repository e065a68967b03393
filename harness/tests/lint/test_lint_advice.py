"""What a finding says of what was meant: a name that is nearly there, and the line that it stands on."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from meshproof.lint.check import Finding

Look = Callable[..., tuple[Finding, ...]]
HEAD = "apiVersion: networking.istio.io/v1\nkind: {kind}\nmetadata: {{name: {name}, namespace: {namespace}}}\nspec:\n"
SHOP = (
    "apiVersion: v1\nkind: Service\nmetadata: {name: stars, namespace: shop}\n"
    "spec: {selector: {app: stars}, ports: [{name: http, port: 80}]}\n---\n"
)
ROUTE = "  http: [{route: [{destination: {host: stars.shop.svc.cluster.local, subset: SUBSET}}]}]\n"
RULE = HEAD.format(kind="DestinationRule", name="stars", namespace="shop") + (
    "  host: stars.shop.svc.cluster.local\n"
    "  subsets: [{name: stable, labels: {v: a}}, {name: beta, labels: {v: b}}]\n---\n"
)
ASKED = HEAD.format(kind="VirtualService", name="stars", namespace="shop") + "  hosts: [stars]\n"


def said(several: tuple[Finding, ...], code: str) -> tuple[int, int, str, str]:
    """Line, column, message and advice of the only finding with that code."""
    [one] = [each for each in several if each.code == code]
    return one.location.line, one.location.column, one.message, one.fix


@pytest.mark.parametrize(
    ("subset", "fix"),
    [
        ("betas", "Write beta, or define betas in a DestinationRule for that host."),
        ("canary", "Define the subset in a DestinationRule for that host."),
    ],
)
def test_a_subset_that_is_nearly_there_is_named(subset: str, fix: str, found: Look) -> None:
    several = found(SHOP + RULE + ASKED + ROUTE.replace("SUBSET", subset))
    assert said(several, "MP012")[3] == fix


@pytest.mark.parametrize(
    ("more", "fix"),
    [
        (
            "",
            "Move the DestinationRule to shop: clients look in their own namespace, the Service's and istio-system.",
        ),
        ("  exportTo: ['.']\n", "Export the DestinationRule to that namespace."),
    ],
)
def test_a_rule_that_nobody_looks_for_is_to_be_moved(more: str, fix: str, found: Look) -> None:
    elsewhere = RULE.replace("namespace: shop", "namespace: other").replace("---", f"{more}---")
    several = found(SHOP + elsewhere + ASKED + ROUTE.replace("SUBSET", "beta"))
    assert said(several, "MP016")[3] == fix


@pytest.mark.parametrize(
    ("space", "fix"),
    [
        ("shopp", "Write shop, or lint it together with what is in shopp."),
        ("payments", "Correct the name of the namespace, or lint it together with what is there."),
    ],
)
def test_a_namespace_that_is_not_here_is_told_on_its_own_line(space: str, fix: str, found: Look) -> None:
    whole = SHOP + ASKED + f"  exportTo: ['.', {space}]\n" + ROUTE.replace(", subset: SUBSET", "")
    line = whole.splitlines().index(f"  exportTo: ['.', {space}]") + 1
    assert said(found(whole), "MP026") == (
        line,
        19,
        f"exportTo names {space}, and nothing here is in that namespace",
        fix,
    )


def test_a_host_that_is_limited_to_another_namespace_is_told_with_its_server(found: Look) -> None:
    edge = HEAD.format(kind="Gateway", name="edge", namespace="infra") + (
        "  selector: {istio: ingressgateway}\n  servers:\n"
        "  - {port: {number: 80, name: http, protocol: HTTP}, hosts: [news.example.com]}\n"
        "  - {port: {number: 8080, name: http-more, protocol: HTTP}, hosts: [./shop.example.com]}\n---\n"
    )
    bound = ASKED.replace("[stars]", "[shop.example.com]\n  gateways: [infra/edge]")
    whole = SHOP + edge + bound + ROUTE.replace(", subset: SUBSET", "")
    line = next(at for at, one in enumerate(whole.splitlines(), 1) if "8080" in one)
    _, _, message, fix = said(found(whole), "MP022")
    taken = "Gateway infra/edge takes shop.example.com from VirtualServices of namespace infra alone, not of shop"
    assert message == f"{taken} (<stdin>:{line}:5): it routes nothing there"
    assert "(./ is the Gateway's)" in fix


@pytest.mark.parametrize(("secured", "told"), [("www.example.com", True), ("'*.example.com'", False)])
def test_a_host_that_is_only_sent_on_to_https_is_told(secured: str, told: bool, found: Look) -> None:
    """A server for all hosts that redirects hides that the one with TLS has another."""
    edge = HEAD.format(kind="Gateway", name="edge", namespace="shop") + (
        "  selector: {istio: ingressgateway}\n  servers:\n"
        "  - {port: {number: 80, name: http, protocol: HTTP}, hosts: ['*'], tls: {httpsRedirect: true}}\n"
        f"  - {{port: {{number: 443, name: https, protocol: HTTPS}}, hosts: [{secured}],\n"
        "     tls: {mode: SIMPLE, credentialName: edge}}\n---\n"
    )
    bound = ASKED.replace("[stars]", "[m.example.com]\n  gateways: [edge]")
    several = [one for one in found(SHOP + edge + bound + ROUTE.replace(", subset: SUBSET", "")) if one.code == "MP022"]
    assert bool(several) is told
    assert all("sends it on to HTTPS" in one.message and "with TLS" in one.fix for one in several)


@pytest.mark.parametrize(
    ("uri", "told"),
    [
        (r"{regex: '/item\?id=7'}", "asks for one"),
        (r"{regex: '/item(\?id=7|\?no=7)'}", "asks for one"),
        ("{regex: '.*[?]id=7.*'}", "asks for one"),
        ("{regex: 'api/.*'}", "takes none"),
        ("{regex: '(api|web)/.*'}", "takes none"),
        ("{regex: '^v[12]'}", "takes none"),
        ("{prefix: '/api/*'}", "letter by letter"),
        ("{prefix: '/api(/|$)(.*)'}", "letter by letter"),
        ("{exact: '/api/[0-9]+'}", "letter by letter"),
        ("{exact: '/api/.*'}", "letter by letter"),
        (r"{exact: '/items/\d'}", "letter by letter"),
        # Paths of OData, of matrix parameters and of dots are written so, and these patterns match some.
        ("{prefix: '/Products(1)/Name'}", ""),
        ("{prefix: '/odata/$metadata'}", ""),
        ("{exact: '/a.b+c;v=1*2'}", ""),
        (r"{regex: '/item\??.*'}", ""),
        ("{regex: '.*'}", ""),
        ("{regex: '(?i)^/API$'}", ""),
        ("{regex: '(api)?/.*'}", ""),
        ("{regex: 'api|/web'}", ""),
        ("{regex: '[*]'}", ""),
    ],
)
def test_a_path_that_no_request_has_is_told(uri: str, told: str, found: Look) -> None:
    text = f"""\
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {{name: reviews}}
spec:
  hosts: [reviews]
  http: [{{match: [{{uri: {uri}}}], route: [{{destination: {{host: reviews}}}}]}}]
"""
    several = [one.message for one in found(text, beside=True) if one.code == "MP033"]
    assert len(several) == bool(told)
    assert all(told in one for one in several)


def test_a_path_prefix_of_an_httproute_is_no_pattern_either(found: Look) -> None:
    text = """\
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: reviews}
spec:
  parentRefs: [{kind: Service, group: "", name: reviews, port: 80}]
  rules: [{matches: [{path: {value: PATH}}], backendRefs: [{name: reviews, port: 80}]}]
"""
    for path, times in (("/api/*", 1), ("/api", 0)):
        several = found(text.replace("PATH", path), beside=True)
        assert [one.code for one in several if one.code == "MP033"] == ["MP033"] * times


@pytest.mark.parametrize(
    ("whole", "of_port", "lost"),
    [
        ("loadBalancer: {simple: RANDOM}", "outlierDetection: {interval: 5s}", "loadBalancer"),
        ("tls: {mode: ISTIO_MUTUAL}", "loadBalancer: {simple: RANDOM}", "tls"),
        (
            "connectionPool: {tcp: {maxConnections: 5}}, loadBalancer: {simple: RANDOM}",
            "outlierDetection: {interval: 5s}",
            "connectionPool and loadBalancer",
        ),
        ("loadBalancer: {simple: RANDOM}", "loadBalancer: {simple: ROUND_ROBIN}", ""),
    ],
)
def test_all_that_the_settings_of_a_port_lose_is_named(whole: str, of_port: str, lost: str, found: Look) -> None:
    rule = HEAD.format(kind="DestinationRule", name="stars", namespace="shop") + (
        "  host: stars.shop.svc.cluster.local\n"
        f"  trafficPolicy: {{{whole}, portLevelSettings: [{{port: {{number: 80}}, {of_port}}}]}}\n"
    )
    text = f"on port 80 of stars.shop.svc.cluster.local {lost} of the whole policy are not in force"
    said = [one.message for one in found(SHOP + rule) if one.code == "MP077"]
    assert said == ([f"{text}: portLevelSettings replace it altogether"] if lost else [])
