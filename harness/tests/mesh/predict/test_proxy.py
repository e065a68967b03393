"""What proxies do to requests by themselves; real Envoys are held against the same in tests/envoy/agreement."""

from __future__ import annotations

import random
from uuid import UUID

import pytest
from meshproof.border.request import Request
from meshproof.mesh.model.header_format import NotAFormatError, Operator, operators
from meshproof.mesh.model.virtual_service import MatchKind, StringMatch
from meshproof.mesh.predict.match import string_matches
from meshproof.mesh.predict.prediction import predict
from meshproof.mesh.predict.proxy.drawn import Drawn
from meshproof.mesh.predict.proxy.seen import INSTRUCTIONS, seen
from meshproof.mesh.predict.proxy.sent import sent_headers
from meshproof.traffic.generator.prepared import Prepared

GRPC = ("content-type", "application/grpc")


def ask(*headers: tuple[str, str], gateway: str = "", method: str = "GET", path: str = "/") -> Request:
    return Request(method, "greeter", 5000, path, headers, gateway=gateway)


@pytest.mark.parametrize(
    "request_",
    [
        ask(),
        ask(("user-agent", "own"), ("Accept", "a/b"), ("content-length", "9")),
        ask(method="POST"),
        Request("PUT", "greeter", 80, "/a?b", (("host", "other"), ("x-a", "é")), body=b"abc"),
        ask(("x-meshproof-id", "mine")),
    ],
)
def test_what_is_sent_is_what_the_load_generator_renders(request_: Request) -> None:
    one = request_
    prepared = Prepared(one.method, one.authority, one.path, one.headers, one.body, ("", 0))
    head = (prepared.before + b"1" + prepared.after).partition(b"\r\n\r\n")[0].decode()
    lines = [line.partition(": ")[::2] for line in head.split("\r\n")[1:]]
    rendered = sorted((name.lower(), value) for name, value in lines if name != "x-meshproof-id")
    assert sorted(sent_headers(one)) == rendered


def test_instructions_to_envoy_are_seen_by_no_rule() -> None:
    for gateway in ("", "default/front"):
        found = seen(ask(*((name, "1") for name in INSTRUCTIONS), gateway=gateway), "/")
        assert INSTRUCTIONS.isdisjoint(found.headers)


def test_a_gateway_believes_nothing_that_its_client_says_of_itself() -> None:
    said = (("x-forwarded-proto", "https"), ("x-request-id", "a"), ("x-forwarded-for", "b"))
    within, outside = (seen(ask(*said, gateway=gateway), "/") for gateway in ("", "default/front"))
    assert (within.request.scheme, outside.request.scheme) == ("https", "http")
    assert [within.text(name) for name, _ in said] == ["https", "a", "b"]
    assert outside.headers["x-request-id"] == (Drawn("id"),)
    assert outside.headers["x-forwarded-for"] == (Drawn("address", "b,"),)


def condition(kind: str, value: str) -> StringMatch:
    return StringMatch(MatchKind(kind), value, None)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("value", "match", "met"),
    [
        (Drawn("id"), condition("regex", "[0-9a-f-]+"), True),
        (Drawn("id"), condition("regex", "[0-9]+"), False),
        (Drawn("id"), condition("regex", "0.*"), None),
        (Drawn("id"), condition("exact", "own"), False),
        (Drawn("id"), condition("exact", str(UUID(int=1, version=4))), None),
        (Drawn("address"), condition("regex", "[0-9a-f.:]+"), True),
        (Drawn("address"), condition("exact", "10.0.0.1"), None),
        (Drawn("address"), condition("exact", "somewhere"), False),
        (Drawn("address"), condition("prefix", "10."), None),
        (Drawn("address", "192.0.2.1,"), condition("prefix", "192.0.2.1"), True),
        (Drawn("address", "192.0.2.1,"), condition("exact", "192.0.2.1"), False),
        (Drawn("address", "192.0.2.1,"), condition("exact", "192.0.2.1,::1"), None),
        (Drawn("certificate"), condition("prefix", "Hash="), True),
        (Drawn("certificate"), condition("exact", "By=me"), False),
    ],
)
def test_conditions_on_values_that_nobody_knows(value: Drawn, match: StringMatch, met: bool | None) -> None:
    assert value.meets(match, string_matches) is met


def test_a_rule_that_may_take_a_request_decides_nothing(routed) -> None:
    mesh = routed("""
- match: [{headers: {x-request-id: {prefix: a}}}]
  route: [{destination: {host: greeter, subset: v1}}]
- route: [{destination: {host: greeter, subset: v2}}]
""").mesh
    open_ = predict(mesh, ask())
    assert "depends on a value that its proxy writes" in open_.undecided
    assert (open_.arms, open_.status, open_.looked_at) == ((), 0, (open_.route,))
    (first,), (second,) = (predict(mesh, ask(("x-request-id", value))).arms for value in ("abc", "bcd"))
    assert (first.destination, second.destination) == ("greeter.default/v1", "greeter.default/v2")


@pytest.mark.parametrize(
    ("changes", "undecided"),
    [
        ("{request: {set: {x-forwarded-for: '%DOWNSTREAM_REMOTE_ADDRESS%'}}}", "x-forwarded-for"),
        ("{request: {set: {x-envoy-max-retries: '%START_TIME(%s)%'}}}", "x-envoy-max-retries"),
        ("{response: {set: {location: '%START_TIME%'}}}", "location"),
        ("{request: {set: {content-length: '1'}}}", "content-length"),
        ("{request: {set: {transfer-encoding: chunked}}}", "transfer-encoding"),
        ("{response: {set: {content-length: '1'}}}", "content-length"),
        ("{request: {set: {x-envoy-upstream-rq-timeout-alt-response: '1'}}}", ""),
        ("{request: {set: {x-envoy-upstream-stream-duration-ms: '100'}}}", "upstream-stream-duration-ms"),
        ("{request: {remove: [x-envoy-expected-rq-timeout-ms]}}", "x-envoy-expected-rq-timeout-ms"),
        ("{request: {remove: [x-forwarded-for]}}", ""),
        ("{request: {set: {x-envoy-retry-on: 5xx}}}", ""),
        ("{request: {set: {x-envoy-hedge-on-per-try-timeout: 'true'}}}", ""),
        ("{response: {set: {transfer-encoding: chunked}}}", ""),
        ("{request: {set: {x-a: '%REQ(x-b)%'}}}", ""),
    ],
)
def test_changes_whose_outcome_is_not_known(routed, changes: str, undecided: str) -> None:
    found = predict(routed(f"- headers: {changes}\n  route: [{{destination: {{host: greeter}}}}]").mesh, ask())
    assert found.undecided.count(undecided) if undecided else not found.undecided


@pytest.mark.parametrize(
    ("changes", "side", "untold"),
    [
        ("{request: {set: {x-a: '%START_TIME%'}}}", "request_headers", ("x-a", "%START_TIME%")),
        ("{request: {set: {x-a: 'at %START_TIME(%s)%'}}}", "request_headers", ("x-a", "at %START_TIME(%s)%")),
        ("{request: {add: {x-a: '%REQ(x-b)%'}, remove: [x-b]}}", "request_headers", ("x-a", "%REQ(x-b)%")),
        ("{request: {set: {x-a: '1'}, add: {x-a: '%HOSTNAME%'}}}", "request_headers", ("x-a", "%HOSTNAME%")),
        ("{response: {set: {x-a: '%RESPONSE_CODE%'}}}", "response_headers", ("x-a", "%RESPONSE_CODE%")),
    ],
)
def test_a_value_that_nobody_knows_costs_its_header_alone(routed, changes: str, side: str, untold: tuple) -> None:
    rule = f"- headers: {changes[:-1]}, request: {{set: {{x-b: '1'}}}}}}\n" if side == "response_headers" else ""
    rule = rule or f"- headers: {changes}\n"
    found = predict(routed(f"{rule}  route: [{{destination: {{host: greeter}}}}]").mesh, ask())
    assert not found.undecided
    (arm,) = found.arms
    headers = getattr(arm, side)
    assert headers.untold == (untold,)
    assert "x-a" not in {*dict(headers.exact), *dict(headers.added), *headers.absent}
    if side == "response_headers":
        assert arm.request_headers.exact == (("x-b", "1"),)


def test_what_a_later_change_overwrites_is_known_again(routed) -> None:
    found = predict(
        routed("""
- headers: {request: {set: {x-a: '1'}}}
  route:
  - {destination: {host: greeter, subset: v1}, headers: {request: {set: {x-a: '%HOSTNAME%'}}}, weight: 50}
  - {destination: {host: greeter, subset: v2}, weight: 50}
""").mesh,
        ask(),
    )
    assert [one.request_headers.exact for one in found.arms] == [(("x-a", "1"),)] * 2
    assert [one.request_headers.untold for one in found.arms] == [(), ()]


@pytest.mark.parametrize("limit", ["timeout: 1s", "retries: {attempts: 1, perTryTimeout: 1s}"])
def test_what_is_answered_in_the_place_of_a_timeout_is_not_known(routed, limit: str) -> None:
    said = "headers: {request: {add: {x-envoy-upstream-rq-timeout-alt-response: '1'}}}"
    found = predict(routed(f"- {said}\n  {limit}\n  route: [{{destination: {{host: greeter}}}}]").mesh, ask())
    assert "x-envoy-upstream-rq-timeout-alt-response" in found.undecided


def test_copies_cannot_be_told_where_a_rule_changes_how_they_came(routed) -> None:
    rule = "- headers: {request: {set: {x-forwarded-for: a}}}\n  mirror: {host: greeter}\n"
    rule += "  route: [{destination: {host: greeter}}]"
    assert "x-forwarded-for" in predict(routed(rule).mesh, ask()).undecided


def test_destinations_that_instruct_envoy_differently_are_not_understood(routed) -> None:
    said = "headers: {request: {set: {x-envoy-max-retries: '%s'}}}"
    route = "- route:\n" + "".join(
        f"  - {{destination: {{host: greeter, subset: v{number}}}, weight: 50, {said % most}}}\n"
        for number, most in ((1, "%d"), (2, "2"))
    )
    assert predict(routed(route.replace("%d", "1")).mesh, ask()).undecided
    both = predict(routed(route.replace("%d", "2")).mesh, ask())
    assert (both.undecided, both.retries.attempts) == ("", 2)


def test_what_of_a_clients_headers_pods_need_not_get(routed) -> None:
    mesh = routed("- route: [{destination: {host: greeter}}]").mesh
    sent = (("x-own", "1"), ("te", "gzip"), ("x-envoy-retry-on", "5xx"), ("x-request-id", "a"), ("expect", "b"))
    assert predict(mesh, ask(*sent)).dropped == {"te", "x-envoy-retry-on", "expect"}
    assert predict(mesh, ask(("x-forwarded-for", ""), ("X-Own", ""))).dropped == frozenset()
    outside = routed(
        "- route: [{destination: {host: greeter}}]",
        head="hosts: [greeter]\n  gateways: [front]",
        more="---\napiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {name: front}\n"
        "spec: {selector: {a: b}, servers: [{port: {number: 5000, name: http, protocol: HTTP}, hosts: ['*']}]}\n",
    ).mesh
    said = (
        ("host", "greeter.default.svc.cluster.local"),
        ("x-forwarded-for", ""),
        ("x-own", ""),
        ("x-request-id", "a"),
    )
    found = predict(outside, ask(*said, gateway="default/front"))
    assert found.dropped == {"x-forwarded-for", "x-request-id"}


def test_own_answers_to_grpc(routed) -> None:
    mesh = routed("- match: [{uri: {prefix: /no}}]\n  directResponse: {status: 403, body: {string: 'é'}}").mesh
    denied, unknown = predict(mesh, ask(GRPC, path="/no")), predict(mesh, ask(GRPC))
    assert (denied.status, denied.body, dict(denied.headers.exact)) == (
        200,
        "",
        {"content-type": "application/grpc", "grpc-status": "7", "grpc-message": "%C3%A9"},
    )
    assert (unknown.status, dict(unknown.headers.exact)["grpc-status"]) == (200, "12")
    nowhere = predict(mesh, Request("GET", "nobody", 5000, "/", (GRPC,)))
    assert (nowhere.status, dict(nowhere.headers.exact)["grpc-status"]) == (200, "14")


def test_formats() -> None:
    assert operators("a%%b") == ("a", "%", "b")
    assert operators("%REQ(X-A?:path):7%c") == (Operator("REQ", ("x-a", ":path"), 7), "c")
    assert operators("") == ()
    for text in ("%", "a%b", "%REQ(", "%req(a)%", "%REQ(a?b?c)%", "%%%"):
        with pytest.raises(NotAFormatError):
            operators(text)


def test_formats_of_chance_never_raise_anything_else() -> None:
    draw = random.Random(3)
    for _ in range(2000):
        text = "".join(draw.choices("%%%REQ()?:x-1PROTOCL ", k=draw.randrange(12)))
        try:
            operators(text)
        except NotAFormatError:
            continue
