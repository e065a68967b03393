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


def test_the_answer_to_a_preflight_is_told_whatever_a_rule_makes_of_headers(routed) -> None:
    unknown = "headers: {response: {set: {location: '%START_TIME%'}}}"
    mesh = routed(f"{POLICY}\n  {unknown}\n  route: [{{destination: {{host: greeter}}}}]").mesh
    preflight = predict(mesh, parse(PREFLIGHT))
    assert (preflight.status, preflight.undecided) == (200, "")
    assert "location" in predict(mesh, parse("GET http://greeter:5000/")).undecided


def test_what_a_redirect_would_make_of_request_headers_counts_for_nothing(routed) -> None:
    for headers, why in (("request", ""), ("response", "location")):
        unknown = f"headers: {{{headers}: {{set: {{location: '%START_TIME%'}}}}}}"
        found = predict(routed(f"- redirect: {{uri: /b}}\n  {unknown}").mesh, parse("GET http://greeter:5000/"))
        assert found.status == 301
        assert why in found.undecided
        assert bool(found.undecided) == bool(why)
