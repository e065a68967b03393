"""What istiod or Envoy refuses of a rule's retries, faults, redirects, patterns, headers and origins."""

from __future__ import annotations

import pytest
from meshproof.errors import ManifestError
from meshproof.mesh.model.virtual_service import MatchKind

TO = "- route: [{destination: {host: greeter}}]\n"


def rule(routed, text: str):
    return routed(text).mesh.virtual_services[0].http[0]


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("5xx, reset", "' reset'"),
        ("5xx,", "''"),
        (",5xx", "''"),
        ("5xx,,reset", "''"),
        ("5XX", "'5XX'"),
        ("four", "'four'"),
        ("420", "'420'"),
        ("999", "'999'"),
        ("-503", "'-503'"),
        ("503.0", "'503.0'"),
        ("5_03", "'5_03'"),
    ],
)
def test_conditions_of_retries_that_istiod_refuses(routed, said: str, shown: str) -> None:
    with pytest.raises(ManifestError, match=r"<stdin>:\d+:\d+: ") as caught:
        routed(f"{TO}  retries: {{attempts: 1, retryOn: '{said}'}}")
    assert f"{shown} is no condition of retryOn" in str(caught.value)


@pytest.mark.parametrize(
    "said",
    [
        "",
        "0503",
        "+503",
        "503,5xx",
        "418",
        "reset-before-request,envoy-ratelimited,retriable-headers,http3-post-connect-failure",
        "cancelled,deadline-exceeded,internal,resource-exhausted,unavailable",
        "5xx,gateway-error,reset,connect-failure,retriable-4xx,refused-stream,retriable-status-codes",
    ],
)
def test_conditions_of_retries_that_istiod_takes(routed, said: str) -> None:
    assert rule(routed, f"{TO}  retries: {{attempts: 1, retryOn: '{said}'}}").retries.retry_on == said


def test_everything_about_retries(routed) -> None:
    found = rule(
        routed,
        f"{TO}  retries: {{attempts: 2147483647, perTryTimeout: 2s, backoff: 100ms, retryIgnorePreviousHosts: false, "
        "retryRemoteLocalities: true}\n  timeout: 1s",
    ).retries
    assert (found.attempts, found.per_try_timeout, found.back_off) == (2147483647, 2.0, 0.1)
    assert (found.ignore_previous_hosts, found.remote_localities) == (False, True)
    plain = rule(routed, f"{TO}  retries: {{attempts: 0, retryIgnorePreviousHosts: true, backoff: 1s}}").retries
    assert (plain.attempts, plain.ignore_previous_hosts, plain.remote_localities) == (0, True, False)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ("retries: {attempts: 0, retryRemoteLocalities: false}", "retries without attempts"),
        ("retries: {attempts: 0, retryOn: 5xx}", "retries without attempts"),
        ("retries: {attempts: -1}", "between 0 and"),
        ("retries: {attempts: 1, backoff: 0s}", "at least 1ms"),
        ("retries: {attempts: 1, perTryTimeout: 500us}", "at least 1ms"),
        ("fault: {abort: {grpcStatus: NOT_THERE, percentage: {value: 1}}}", "is no gRPC status"),
        ("fault: {abort: {grpcStatus: '5', percentage: {value: 1}}}", "is no gRPC status"),
        ("fault: {abort: {grpcStatus: OK, httpStatus: 500}}", "both httpStatus and grpcStatus"),
        ("fault: {abort: {http2Error: '1'}}", "not supported by istiod"),
        ("fault: {abort: {httpStatus: 600}}", "Envoy refuses statuses above 599"),
        ("corsPolicy: {allowMethods: [GETS]}", "is no method that istiod takes"),
        ("corsPolicy: {allowMethods: [get]}", "is no method that istiod takes"),
        ("corsPolicy: {allowHeaders: ['x a']}", "is not a header name"),
        ("corsPolicy: {exposeHeaders: ['']}", "is not a header name"),
        ("corsPolicy: {maxAge: 1500ms}", "whole seconds"),
        ("corsPolicy: {allowOrigins: [{}]}", "an allowed origin is empty"),
        ("corsPolicy: {allowOrigins: [{exact: ''}]}", "an allowed origin is empty"),
        ("corsPolicy: {allowOrigins: [{regex: '*'}]}", "RE2"),
        ("headers: {request: {set: {x-a: '50%'}}}", "begins no command operator"),
        ("headers: {request: {set: {x-a: '%REQ(x-a'}}}", "begins no command operator"),
        ("headers: {request: {set: {x-a: '% REQ(x-a)%'}}}", "begins no command operator"),
        ("headers: {response: {add: {x-a: '%REQ%'}}}", "names no header"),
        ("headers: {response: {add: {x-a: '%REQ(a b)%'}}}", "names no header"),
        ("headers: {request: {set: {x-a: '%PROTOCOL(1)%'}}}", "Envoy takes none"),
        ("match: [{uri: {regex: '*'}}]", "write {} to ask for presence"),
        ("match: [{headers: {x-a: {regex: '*'}}}]", "write {} to ask for presence"),
        ("match: [{queryParams: {q: {regex: '*'}}}]", "RE2"),
        ("match: [{method: {regex: '*'}}]", "RE2"),
        ("match: [{uri: {regex: '\\C'}}]", "RE2"),
        ("match: [{uri: {regex: '\\x{100}'}}]", "RE2"),
        ("match: [{uri: {regex: '(?P<naïve>a)'}}]", "RE2"),
        (
            "match: [{uri: {regex: '"
            + "|".join(f"{one}{{1000}}" for one in "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKL")
            + "'}}]",
            "32768",
        ),
        ("rewrite: {uriRegexRewrite: {match: a, rewrite: ''}}", "needs a text in rewrite"),
        ("rewrite: {uriRegexRewrite: {match: '*', rewrite: a}}", "RE2"),
    ],
)
def test_what_istiod_or_envoy_refuses(routed, more: str, message: str) -> None:
    with pytest.raises(ManifestError, match=r"<stdin>:\d+:\d+: ") as caught:
        routed(f"{TO}  {more}")
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- redirect: {uri: /a, prefixRewrite: /b}", "both uri and prefixRewrite"),
        ("- redirect: {port: 80, derivePort: FROM_REQUEST_PORT}", "both port and derivePort"),
        ("- match: [{uri: {exact: /a}}]\n  redirect: {prefixRewrite: /b}", "matched by prefix"),
        ("- match: [{uri: {prefix: /a}}, {uri: {regex: /a}}]\n  redirect: {prefixRewrite: /b}", "matched by prefix"),
        ("- directResponse: {status: 600}", "Envoy refuses statuses above 599"),
        (f"- directResponse: {{status: 200, body: {{string: {'a' * ((1 << 20) + 1)}}}}}", "larger than 1 MiB"),
    ],
)
def test_redirects_and_direct_responses_that_are_refused(routed, text: str, message: str) -> None:
    with pytest.raises(ManifestError, match=r"<stdin>:\d+:\d+: ") as caught:
        routed(text)
    assert message in str(caught.value)


def test_redirects_that_replace_a_prefix(routed) -> None:
    for match in ("", "match: [{uri: {prefix: /a}}, {headers: {x-a: {}}}]\n  "):
        found = rule(routed, f"- {match}redirect: {{prefixRewrite: /b}}")
        assert (found.redirect.prefix_rewrite, found.redirect.uri) == ("/b", "")


def test_a_star_asks_for_presence_among_what_must_not_be_there(routed) -> None:
    found = rule(routed, f"{TO}  match: [{{withoutHeaders: {{x-a: {{regex: '*'}}, x-b: {{}}}}}}]")
    assert [one.kind for _, one in found.matches[0].without_headers] == [MatchKind.PRESENT] * 2


@pytest.mark.parametrize(("name", "number"), [("OK", 0), ("CANCELLED", 1), ("NOT_FOUND", 5), ("UNAUTHENTICATED", 16)])
def test_aborts_by_grpc_status(routed, name: str, number: int) -> None:
    found = rule(routed, f"{TO}  fault: {{abort: {{grpcStatus: {name}, percentage: {{value: 10}}}}}}").abort
    assert (found.status, found.grpc_status) == (200, number)


def test_what_is_answered_to_preflights_of_other_origins(routed) -> None:
    for said, answered in (("IGNORE", True), ("FORWARD", False), ("UNSPECIFIED", False)):
        found = rule(
            routed, f"{TO}  corsPolicy: {{allowMethods: [GET, '*'], allowHeaders: ['*'], unmatchedPreflights: {said}}}"
        )
        assert found.cors.answers_unmatched is answered


def test_conditions_on_claims_of_tokens_are_not_understood(routed) -> None:
    made = routed(f"{TO}  match: [{{headers: {{'@request.auth.claims.group': {{exact: a}}}}}}]")
    (found,) = made.mesh.unmodelled
    assert "no token is checked here" in found.why
    assert str(found.location).startswith("<stdin>:")


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("rewrite: {}", "rewrite needs"),
        ("rewrite: {authority: a}, headers: {request: {set: {host: b}}}", "more than once"),
        ("headers: {request: {set: {Host: a}, add: {':authority': b}}}", "more than once"),
        ("headers: {request: {set: {host: a, ':authority': b}}}", "more than once"),
        ("headers: {request: {remove: [host]}}", "cannot be changed"),
        ("headers: {request: {set: {':path': /}}}", "cannot be changed"),
        ("headers: {response: {add: {':status': '200'}}}", "cannot be changed"),
    ],
)
def test_rewrites_and_changes_of_envoys_own_headers_that_istiod_refuses(routed, rule: str, said: str) -> None:
    with pytest.raises(ManifestError, match=said):
        routed(f"- {{{rule}, route: [{{destination: {{host: greeter}}}}]}}")


def test_a_body_is_a_string_or_bytes(routed) -> None:
    with pytest.raises(ManifestError, match="a body is a string or bytes, not both"):
        routed("- directResponse: {status: 200, body: {string: a, bytes: YQ==}}\n")


def test_bytes_of_a_body_are_some(routed) -> None:
    with pytest.raises(ManifestError, match="bytes are an empty text"):
        routed("- directResponse: {status: 200, body: {bytes: ''}}\n")


@pytest.mark.parametrize(
    ("match", "told"),
    [
        ("sourceLabels: {app: web}, gateways: [mesh]", ["sourceLabels"]),
        ("sourceNamespace: shop, sourceLabels: {app: web}, gateways: [mesh]", ["sourceLabels", "sourceNamespace"]),
        ("sourceLabels: {app: web}", []),
        ("gateways: [mesh]", []),
    ],
)
def test_who_sends_counts_for_nothing_beside_gateways(routed, match: str, told: list[str]) -> None:
    found = routed(f"- match: [{{{match}}}]\n  route: [{{destination: {{host: greeter}}}}]").notices
    assert [one.message.split()[0] for one in found if "counts for nothing beside gateways" in one.message] == told
