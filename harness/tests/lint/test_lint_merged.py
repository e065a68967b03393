"""Which rule hides which where a Gateway has the rules of several objects, or of one as it stands for its port."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from meshproof.lint.check import Finding

Look = Callable[..., tuple[Finding, ...]]

GATEWAY = """\
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: entry}
spec:
  selector: {istio: ingressgateway}
  servers:
  - {port: {number: 80, name: http, protocol: HTTP}, hosts: ["*"]}
  - {port: {number: 9000, name: tcp, protocol: TCP}, hosts: ["*"]}
MORE---
"""
SECURE = (
    "  - {port: {number: 443, name: https, protocol: HTTPS}, hosts: ['*'], tls: {mode: SIMPLE, credentialName: c}}\n"
)
AIM = "route: [{destination: {host: reviews}}]"
OLD, NEW = (f'creationTimestamp: "2026-0{month}-01T00:00:00Z"' for month in (1, 2))


def bound(name: str, *rules: str, age: str = OLD, host: str = "shop.example.com", more: str = "") -> str:
    """A VirtualService of the Gateway with rules for HTTP."""
    lines = "".join(f"  - {{{rule}}}\n" for rule in rules)
    head = f"apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {{name: {name}, {age}}}\n"
    return f"{head}spec:\n  hosts: ['{host}']\n  gateways: [entry{more}]\n  http:\n{lines}---\n"


def rule(match: str) -> str:
    return f"match: [{match}], {AIM}"


def hidden(findings: tuple[Finding, ...]) -> list[tuple[str, int, int]]:
    """The codes with the lines of what is hidden, and of what hides it."""
    several = (one for one in findings if one.code in ("MP030", "MP031"))
    return [(one.code, one.location.line, one.other.line if one.other else 0) for one in several]


def line_of(text: str, part: str) -> int:
    return text[: text.index(part)].count("\n") + 1


WIDE, NARROW = rule("{uri: {prefix: /shop/}}"), rule("{uri: {prefix: /shop/api/}}")


@pytest.mark.parametrize(
    ("wide_age", "narrow_age", "host", "more", "told"),
    [
        (OLD, NEW, "shop.example.com", "", True),
        (NEW, OLD, "shop.example.com", "", False),
        (OLD, NEW, "*.example.com", "", False),
        # Clients within the mesh have each by itself, or not at all.
        (OLD, NEW, "shop.example.com", ", mesh", False),
        # What a Gateway of another folder has nobody knows here.
        (OLD, NEW, "shop.example.com", ", edge/elsewhere", False),
    ],
)
def test_an_older_object_hides_the_rules_of_a_newer_one(
    found: Look, wide_age: str, narrow_age: str, host: str, more: str, told: bool
) -> None:
    text = GATEWAY.replace("MORE", "") + bound("a", NARROW, age=narrow_age, more=more)
    text += bound("b", WIDE, age=wide_age, host=host)
    expected = [("MP030", line_of(text, "/shop/api/"), line_of(text, "{prefix: /shop/}"))]
    assert hidden(found(text)) == (expected if told else [])


def test_what_catches_all_comes_last_and_hides_nothing_of_others(found: Look) -> None:
    text = GATEWAY.replace("MORE", "") + bound("a", AIM) + bound("b", NARROW, age=NEW)
    assert hidden(found(text)) == []


@pytest.mark.parametrize(("more", "told"), [("", True), (SECURE, False)])
def test_a_condition_on_the_only_port_takes_everything(found: Look, more: str, told: bool) -> None:
    text = GATEWAY.replace("MORE", more) + bound("a", rule("{port: 80}"), rule("{headers: {x: {exact: a}}}"))
    expected = [("MP030", line_of(text, "{headers:"), line_of(text, "[{port: 80}]"))]
    assert hidden(found(text)) == (expected if told else [])


def test_of_tcp_the_first_rule_takes_all_whatever_host_it_is_for(found: Look) -> None:
    several = bound("a", f"match: [{{port: 9000}}], {AIM}", host="192.0.2.1")
    several += bound("b", f"match: [{{port: 9000}}], {AIM}", host="192.0.2.2", age=NEW)
    text = GATEWAY.replace("MORE", "") + several.replace("  http:", "  tcp:")
    first, second = (number for number, line in enumerate(text.splitlines(), 1) if "port: 9000}]" in line)
    assert hidden(found(text)) == [("MP030", second, first)]


ROUTE = """\
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: entry}
spec: {gatewayClassName: istio, listeners: [{name: http, port: 80, protocol: HTTP}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: shop}
spec:
  parentRefs: [{name: entry}]
  rules:
  - matches: [{path: {value: /shop}}, {path: {type: RegularExpression, value: "/[0-9]+/shop"}}]
    backendRefs: [{name: reviews, port: 80}]
  - matches: [{path: {value: LAST}}]
    backendRefs: [{name: reviews, port: 80}]
---
"""


@pytest.mark.parametrize(
    ("last", "code"),
    # Prefixes come before regular expressions, however long these are; of two alike the first counts.
    [("/", "MP031"), ("/other", ""), ("/shop", "MP030"), ("/shop/api", "")],
)
def test_rules_of_an_http_route_hide_each_other_in_their_own_order(found: Look, last: str, code: str) -> None:
    text = ROUTE.replace("LAST", last)
    told = hidden(found(text))
    lines = {
        "MP031": ("type: RegularExpression", f"value: {last}}}}}]\n"),
        "MP030": (f"value: {last}}}}}]\n", "/shop}},"),
    }
    expected = [(code, *(line_of(text, part) for part in lines[code]))] if code else []
    assert told == expected


@pytest.mark.parametrize(
    ("condition", "ports"),
    [
        ("{gateways: [entry], port: 8080}", "80 and 9000"),
        ("{gateways: [entry], port: 80}", ""),
        ("{gateways: [mesh], port: 80}", "7000"),
        ("{gateways: [mesh], port: 7000}", ""),
        ("{port: 80}", ""),
        ("{port: 81}", "80, 7000 and 9000"),
    ],
)
def test_a_condition_on_a_port_is_held_against_the_gateways_of_the_same_entry(
    found: Look, condition: str, ports: str
) -> None:
    service = (
        "apiVersion: v1\nkind: Service\nmetadata: {name: shop}\n"
        "spec: {selector: {app: shop}, ports: [{name: http, port: 7000}]}\n---\n"
    )
    text = GATEWAY.replace("MORE", "") + service + bound("a", rule(condition), host="shop", more=", mesh")
    told = [one.message for one in found(text) if one.code == "MP034"]
    assert bool(told) is bool(ports)
    assert all(one.endswith(f"and requests come by port {ports} alone") for one in told)


LISTENERS = """\
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: entry}
spec:
  gatewayClassName: istio
  listeners:
  - name: ended
    port: 443
    protocol: TLS
    hostname: "*.example.com"
    tls: {mode: Terminate, certificateRefs: [{name: c}]}
  - {name: passed, port: 8443, protocol: TLS, hostname: "*.example.com", tls: {mode: Passthrough}}
---
"""


def tls_route(name: str, listener: str, host: str) -> str:
    return (
        f"apiVersion: gateway.networking.k8s.io/v1\nkind: TLSRoute\nmetadata: {{name: {name}, {OLD}}}\n"
        f"spec: {{parentRefs: [{{name: entry, sectionName: {listener}}}], hostnames: [{host}.example.com],\n"
        "  rules: [{backendRefs: [{name: reviews, port: 80}]}]}\n---\n"
    )


@pytest.mark.parametrize(
    ("listener", "host", "told"), [("ended", "b", True), ("passed", "a", True), ("passed", "b", False)]
)
def test_a_listener_that_ends_tls_has_one_route_and_one_that_passes_it_on_has_one_for_each_name(
    found: Look, listener: str, host: str, told: bool
) -> None:
    text = LISTENERS + tls_route("a", listener, "a") + tls_route("b", listener, host)
    first, second = (number for number, line in enumerate(text.splitlines(), 1) if "backendRefs" in line)
    assert hidden(found(text)) == ([("MP030", second, first)] if told else [])
