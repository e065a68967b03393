"""What guessed requests have beside the conditions of their rules."""

from __future__ import annotations

import pytest
from meshproof.mesh.requests.samples import sample_requests

ANSWERED = "'x-meshproof-answer:200 0 0'"


def shown(made) -> list[str]:
    requests, notices = sample_requests(made.mesh)
    return [str(one) for one in requests] + [f"none: {one.message}" for one in notices]


def rule(match: str) -> str:
    return f"- match: [{match}]\n  route: [{{destination: {{host: greeter}}}}]\n"


@pytest.mark.parametrize(
    ("match", "sample"),
    [
        (
            "{headers: {upgrade: {exact: websocket}}}",
            "GET http://greeter:5000/hello upgrade:websocket connection:upgrade",
        ),
        (
            "{headers: {upgrade: {exact: websocket}, connection: {regex: '.*pgrade'}}}",
            "GET http://greeter:5000/hello upgrade:websocket connection:upgrade",
        ),
        ("{headers: {upgrade: {}}}", "GET http://greeter:5000/hello upgrade:websocket connection:upgrade"),
        (
            "{headers: {connection: {exact: Upgrade}, upgrade: {regex: '(?i)WEBSOCKET'}}}",
            "GET http://greeter:5000/hello connection:Upgrade upgrade:websocket",
        ),
        ("{headers: {te: {}}}", "GET http://greeter:5000/hello te:trailers"),
        ("{method: {exact: QUERY}}", f"QUERY http://greeter:5000/hello content-type:text/plain {ANSWERED}"),
        (
            "{method: {exact: QUERY}, headers: {content-type: {exact: a/b}}}",
            f"QUERY http://greeter:5000/hello content-type:a/b {ANSWERED}",
        ),
        ("{method: {regex: 'SE.*'}}", f"SEARCH http://greeter:5000/hello {ANSWERED}"),
        ("{headers: {':method': {exact: PUT}}}", f"PUT http://greeter:5000/hello {ANSWERED}"),
        ("{headers: {':path': {exact: '/x?y=1'}}}", f"GET 'http://greeter:5000/x?y=1' {ANSWERED}"),
        ("{headers: {x-name: {regex: 'caf[éè]'}}}", r"GET http://greeter:5000/hello 'x-name:caf\xa8'"),
        ("{headers: {te: {exact: trailers}}}", "GET http://greeter:5000/hello te:trailers"),
        ("{uri: {prefix: /api}}", f"GET http://greeter:5000/api {ANSWERED}"),
        ("{uri: {prefix: /hello}}", "GET http://greeter:5000/hello"),
    ],
)
def test_samples(routed, match: str, sample: str) -> None:
    assert shown(routed(rule(match)))[0] == sample.replace("'http://greeter:5000/x?y=1'", "http://greeter:5000/x?y=1")


@pytest.mark.parametrize(
    "match",
    [
        "{headers: {keep-alive: {}}}",
        "{headers: {x-envoy-retry-on: {exact: 5xx}}}",
        "{headers: {x-forwarded-client-cert: {}}}",
        "{headers: {te: {exact: gzip}}}",
        "{headers: {upgrade: {exact: other}}}",
        "{method: {exact: FOO}}",
        "{withoutHeaders: {x-request-id: {}}}",
        "{withoutHeaders: {user-agent: {}}}",
    ],
)
def test_rules_that_no_request_can_reach(routed, match: str) -> None:
    (only,) = shown(routed(rule(match)))
    assert only.startswith("none: ")


def test_a_rule_is_shown_by_a_request_that_surely_reaches_it_where_there_is_one(routed) -> None:
    drawn = rule("{headers: {x-request-id: {prefix: a}}, uri: {prefix: /hello}}")
    assert shown(routed(drawn)) == ["GET http://greeter:5000/hello x-request-id:a"]


def test_what_a_rewrite_makes_of_the_path_is_what_the_sample_must_know(routed) -> None:
    rewritten = (
        "- match: [{uri: {prefix: /api}}]\n  rewrite: {uri: /hello}\n  route: [{destination: {host: greeter}}]\n"
    )
    assert shown(routed(rewritten)) == ["GET http://greeter:5000/api"]
    away = rewritten.replace("rewrite: {uri: /hello}", "rewrite: {uri: /other}").replace("/api", "/hello")
    assert shown(routed(away)) == [f"GET http://greeter:5000/hello {ANSWERED}"]
