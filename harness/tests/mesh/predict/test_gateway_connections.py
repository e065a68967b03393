"""What must become of connections that enter by a Gateway, and which ones show its rules."""

from __future__ import annotations

from fractions import Fraction

import pytest
from meshproof.border.request import parse
from meshproof.mesh.coverage.reachable import reachable
from meshproof.mesh.coverage.undecided import undecided
from meshproof.mesh.predict.prediction import predict
from meshproof.mesh.requests.addresses import entering
from meshproof.mesh.requests.answerable import why_unanswered
from meshproof.mesh.requests.samples import sample_requests

GATEWAY = """
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: NAME}
spec:
  selector: {istio: ingressgateway}
  servers: [SERVERS]
---
"""
TCP = "{port: {number: 9000, name: tcp, protocol: TCP}, hosts: ['*']}"
MYSQL = "{port: {number: 9000, name: db, protocol: MYSQL}, hosts: ['*']}"
HTTP = "{port: {number: 9000, name: http, protocol: HTTP}, hosts: ['*']}"
PASSING = "{port: {number: 443, name: pass, protocol: TLS}, hosts: ['*.a.org'], tls: {mode: PASSTHROUGH}}"
HTTPS = "{port: {number: 443, name: https, protocol: HTTPS}, hosts: [HOST], tls: {mode: SIMPLE, credentialName: cert}}"
ENDING = "{port: {number: 443, name: end, protocol: TLS}, hosts: [HOST], tls: {mode: MUTUAL, credentialName: cert}}"
ONE = "tcp://any:9000"


def gateway(*servers: str, name: str = "edge") -> str:
    return GATEWAY.replace("NAME", name).replace("SERVERS", ", ".join(servers))


def rules(text: str, name: str = "vs", hosts: str = "'*'", gateways: str = "edge") -> str:
    return (
        f"apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {{name: {name}}}\n"
        f"spec:\n  hosts: [{hosts}]\n  gateways: [{gateways}]\n  {text}\n---\n"
    )


def to(subset: str, weight: int = 0) -> str:
    return f"{{destination: {{host: greeter, subset: {subset}}}, weight: {weight}}}"


def tcp(subset: str, match: str = "", **more: str) -> str:
    return rules(f"tcp: [{{{f'match: [{match}], ' if match else ''}route: [{to(subset)}]}}]", **more)


def tls(*pairs: tuple[str, str], **more: str) -> str:
    several = ", ".join(f"{{match: [{{sniHosts: [{names}]}}], route: [{to(subset)}]}}" for names, subset in pairs)
    return rules(f"tls: [{several}]", **{"hosts": "'*.a.org'", **more})


@pytest.fixture
def led(built):
    """Where connections by the Gateway `edge` go: subsets, or at which step they end."""

    def ask(text: str, *requests: str):
        mesh = built(text).mesh
        found = [predict(mesh, parse(one, gateway="default/edge")) for one in requests]
        return [one.refused or "+".join(arm.destination.rpartition("/")[2] for arm in one.arms) for one in found]

    return ask


def test_each_connection_is_an_independent_draw(built) -> None:
    mesh = built(gateway(TCP) + rules(f"tcp: [{{route: [{to('v1', 8)}, {to('v2', 2)}]}}]")).mesh
    found = predict(mesh, entering(mesh, parse(ONE)))
    assert [arm.share for arm in found.arms] == [Fraction(4, 5), Fraction(1, 5)]
    assert (found.independent, found.request.gateway) == (True, "default/edge")
    assert [str(one) for one in sample_requests(mesh, called=())[0]] == [
        "tcp://gateway.example:9000 (by gateway default/edge)"
    ]


@pytest.mark.parametrize(
    ("match", "taken"),
    [
        ("", "v1"),
        ("{port: 9000}", "v1"),
        ("{port: 1}", "v2"),
        ("{gateways: [edge]}", "v1"),
        ("{gateways: [mesh]}", "v2"),
        ("{port: 1}, {port: 9000}", "v1"),
        # At a gateway neither the source nor addresses are looked at.
        ("{sourceLabels: {a: b}, sourceNamespace: c, destinationSubnets: [10.0.0.0/8]}", "v1"),
    ],
)
def test_the_first_rule_for_the_port_and_the_gateway_decides(led, match: str, taken: str) -> None:
    text = gateway(TCP) + tcp("v1", match, gateways="mesh, edge", hosts="greeter") + tcp("v2", name="last")
    assert led(text, ONE) == [taken]


def test_a_server_takes_no_virtual_service_without_a_common_host_or_of_another_namespace(led) -> None:
    own = TCP.replace("'*'", "'shop/a.org'")
    assert led(gateway(own) + tcp("v1"), ONE) == ["connection"]
    assert led(gateway(TCP.replace("'*'", "a.org")) + tcp("v1", hosts="b.org") + tcp("v2", name="b"), ONE) == ["v2"]


@pytest.mark.parametrize(
    ("servers", "answers"),
    [
        # What comes first on a port without TLS decides what it speaks.
        ((TCP, HTTP), ["v1", "unread"]),
        ((HTTP, TCP), ["connection", ""]),
        ((MYSQL, TCP), ["v1", "unread"]),
    ],
)
def test_servers_that_speak_otherwise_are_passed_over(built, servers, answers) -> None:
    http = f"http: [{{route: [{to('v1')}]}}]\n  tcp: [{{route: [{to('v1')}]}}]"
    mesh = built(gateway(*servers) + rules(http)).mesh
    found = [predict(mesh, parse(one, gateway="default/edge")) for one in (ONE, "http://any:9000/")]
    assert [one.refused or ("v1" if one.request.is_tcp else "") for one in found] == answers


def test_tls_is_passed_on_by_the_most_specific_name(led) -> None:
    text = gateway(PASSING) + tls(("'*.a.org'", "v1"), ("x.a.org, z.a.org", "v2"))
    asked = [f"tls://{host}:443" for host in ("x.a.org", "y.a.org", "b.x.a.org", "a.org")]
    assert led(text, *asked) == ["v2", "v1", "v1", "handshake"]


def test_a_condition_with_a_name_that_another_one_has_is_passed_over(led) -> None:
    text = gateway(PASSING) + tls(("x.a.org", "v1"), ("y.a.org, x.a.org", "v2"))
    assert led(text, "tls://x.a.org:443", "tls://y.a.org:443") == ["v1", "handshake"]


def test_names_beside_those_of_the_server_are_served_where_the_hosts_overlap(led) -> None:
    narrow = PASSING.replace("'*.a.org'", "w.a.org")
    assert led(gateway(narrow) + tls(("x.a.org", "v1")), "tls://x.a.org:443") == ["v1"]


def test_tls_that_ends_at_the_gateway_leads_by_tcp_rules(built) -> None:
    text = (
        gateway(ENDING.replace("HOST", "t.a.org"), PASSING)
        + tcp("v2", hosts="t.a.org")
        + tls(("'*.a.org'", "v1"), name="p")
    )
    mesh = built(text).mesh
    asked = predict(mesh, parse("tls://t.a.org:443", gateway="default/edge"))
    # Without a certificate of its own.
    assert (asked.refused, "wants a certificate" in asked.note) == ("handshake", True)
    other = predict(mesh, parse("tls://u.a.org:443", gateway="default/edge"))
    assert [arm.destination for arm in other.arms] == ["greeter.default/v1"]


def test_https_beside_what_is_passed_on_reads_requests_of_its_own_names_alone(built) -> None:
    text = gateway(HTTPS.replace("HOST", "h.a.org"), PASSING) + tls(("x.a.org", "v1"))
    text += rules(f"http: [{{route: [{to('v2')}]}}]", name="http", hosts="h.a.org")
    mesh = built(text).mesh
    passed = predict(mesh, parse("https://x.a.org/", gateway="default/edge"))
    assert passed.refused == "unread"
    assert "ask for tls://x.a.org:443" in why_unanswered(mesh, passed, "default")
    wrong = predict(mesh, parse("tls://h.a.org:443", gateway="default/edge"))
    assert "ask for https://h.a.org:443" in why_unanswered(mesh, wrong, "default")
    assert predict(mesh, parse("https://y.a.org/", gateway="default/edge")).refused == "handshake"
    assert [str(one).split()[0] for one in sample_requests(mesh)[0] if one.scheme == "tls"] == [
        "tls://x.a.org:443",
        "tls://x-x.a.org:443",
    ]


def test_what_a_request_of_http_meets_is_told_by_the_rules_for_connections_too(built) -> None:
    mesh = built(gateway(PASSING) + tls(("x.a.org", "v1"))).mesh
    asked = parse("https://y.a.org/", gateway="default/edge")
    part = reachable(mesh, [asked], "default")
    assert predict(mesh, asked).refused == predict(part, asked).refused == "handshake"


def test_two_uses_of_a_name_leave_the_port_undecided(built) -> None:
    text = gateway(HTTPS.replace("HOST", "x.a.org"), PASSING) + tls(("x.a.org", "v1"), ("y.a.org", "v2"))
    mesh = built(text).mesh
    for asked in ("tls://x.a.org:443", "tls://y.a.org:443"):
        found = predict(mesh, parse(asked, gateway="default/edge"))
        assert [one.why for one in undecided(mesh, found)] == [found.undecided]
        assert "two uses" in found.undecided
    assert predict(mesh, parse("https://x.a.org/", gateway="default/edge")).refused == "unread"
    assert sample_requests(mesh, called=())[0] == ()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (gateway(TCP) + tcp("v1", "{port: 1}"), "no TCP rule is for port 9000"),
        (gateway(PASSING) + tcp("v1"), "no TCP server"),
        (tcp("v1"), "there is no Gateway default/edge"),
        (gateway(TCP) + tcp("v1") + tcp("v2", name="w"), "the rule at"),
        (gateway(ENDING.replace("HOST", "t.a.org")) + tcp("v1"), "wants a certificate"),
    ],
)
def test_why_no_connection_shows_a_rule(built, text: str, why: str) -> None:
    notices = sample_requests(built(text).mesh)[1]
    assert why in notices[-1].message


def test_what_is_asked_of_a_port_is_named_where_it_speaks_otherwise(built) -> None:
    mesh = built(gateway(TCP, ENDING.replace("HOST", "'*'")) + tcp("v1")).mesh
    for asked, hint in (("http://any:9000/", "tcp://any:9000"), ("tcp://any:443", "tls://any:443")):
        found = predict(mesh, parse(asked, gateway="default/edge"))
        assert f"ask for {hint}" in why_unanswered(mesh, found, "default")
    assert "no server" in why_unanswered(mesh, predict(mesh, parse("tcp://a:1", gateway="default/edge")), "default")
