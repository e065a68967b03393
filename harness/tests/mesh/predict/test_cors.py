"""Where CORS has a say, and what the filter answers."""

from __future__ import annotations

from meshproof.border.request import parse
from meshproof.mesh.predict.prediction import predict

PREFLIGHT = "OPTIONS http://greeter:5000/ origin:http://o access-control-request-method:PUT"
POLICY = (
    "- corsPolicy: {allowOrigins: [{exact: 'http://o'}], allowMethods: ['*'], allowHeaders: ['*'], exposeHeaders: [a]}"
)


def test_redirects_and_direct_responses_know_no_cors(routed) -> None:
    for answer, status in (("redirect: {uri: /b}", 301), ("directResponse: {status: 418}", 418)):
        expected = predict(routed(f"{POLICY}\n  {answer}").mesh, parse(PREFLIGHT))
        assert (expected.status, expected.headers.exact) == (status, ())


def test_a_lone_star_stands_for_what_the_preflight_asks_for(routed) -> None:
    mesh = routed(f"{POLICY}\n  route: [{{destination: {{host: greeter}}}}]").mesh
    answered = dict(predict(mesh, parse(f"{PREFLIGHT} access-control-request-headers:x-a,x-b")).headers.exact)
    assert answered["access-control-allow-methods"] == "PUT"
    assert answered["access-control-allow-headers"] == "x-a,x-b"
    assert answered["access-control-expose-headers"] == "a"
    assert dict(predict(mesh, parse(PREFLIGHT)).headers.exact)["access-control-allow-headers"] == ""


def test_a_star_among_others_is_sent_as_it_is(routed) -> None:
    policy = POLICY.replace("allowMethods: ['*']", "allowMethods: ['*', GET]")
    mesh = routed(f"{policy}\n  route: [{{destination: {{host: greeter}}}}]").mesh
    assert dict(predict(mesh, parse(PREFLIGHT)).headers.exact)["access-control-allow-methods"] == "*,GET"
