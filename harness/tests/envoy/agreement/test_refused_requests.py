"""Requests that a proxy answers itself whatever its rules say: methods, headers and protocols that it does not take."""

from __future__ import annotations

import pytest
from meshproof.mesh.predict.proxy.refused import METHODS, MOST_BYTES

HTTP = "  - route: [{destination: {host: web, subset: v1}}]\n"
JSON = ("content-type", "application/json")
UNKNOWN = ("CONNECT", "FOO", "get", "M-SEARCH", "PRI", "LABEL", "UPDATE", "VERSION-CONTROL", "CHECKIN", "ORDERPATCH")


def test_methods(meet, at_both) -> None:
    every = (*sorted(METHODS), *UNKNOWN)
    found = meet(HTTP, [one for method in every for one in at_both("/", JSON, method=method)])
    assert {str(one.expectation.request): one.difference for one in found if one.difference} == {}
    assert [one.version for one in found[::2]] == ["v1"] * len(METHODS) + ["400"] * len(UNKNOWN)


@pytest.mark.parametrize(("value", "version"), [(None, "400"), ("", "400"), ("text/plain", "v1")])
def test_a_query_needs_a_content_type(meet, at_both, value: str | None, version: str) -> None:
    sent = () if value is None else (("content-type", value),)
    found = meet(HTTP, at_both("/", *sent, method="QUERY"))
    assert [(one.difference, one.version) for one in found] == [("", version)] * 2


def test_a_hundred_headers_at_most(meet, at_both) -> None:
    # The client itself sends host, user-agent, accept and its id, and with POST the length of the body.
    several = [tuple((f"x-{number}", "a") for number in range(most)) for most in (95, 96, 97)]
    repeated = [tuple(("x-a", "a") for _ in range(most)) for most in (96, 97)]
    requests = [one for sent in (*several, *repeated) for one in at_both("/", *sent)]
    requests += [one for sent in several[:2] for one in at_both("/", *sent, method="POST")]
    found = meet(HTTP, requests)
    assert [one.difference for one in found] == [""] * len(found)
    assert [one.version for one in found[::2]] == ["v1", "v1", "431", "v1", "431", "v1", "431"]


def test_sixty_kibibytes_of_head_at_most(meet, at_both) -> None:
    requests = [one for size in (MOST_BYTES - 400, MOST_BYTES) for one in at_both("/", ("x-large", "a" * size))]
    requests += [one for size in (MOST_BYTES - 400, MOST_BYTES) for one in at_both("/" + "a" * size)]
    found = meet(HTTP, requests)
    # The stand-ins of pods take no path of that length.
    assert [one.observation.status for one in found[::2]] == [200, 431, 414, 431]
    assert [one.expectation.status for one in found[::2]] == [0, 431, 0, 431]
    assert [one.difference for one in found if one.observation.status != 414] == [""] * 6


def test_the_answer_of_the_parser_is_the_same_to_grpc(meet, at_both) -> None:
    grpc = ("content-type", "application/grpc")
    requests = [*at_both("/", grpc, method="FOO"), *at_both("/", grpc, *((f"x-{n}", "a") for n in range(120)))]
    requests += at_both("/a\x7f", grpc)
    found = meet(HTTP, requests)
    assert [(one.difference, one.version) for one in found] == [
        ("", status) for status in ("400", "431", "400") for _ in "ab"
    ]


def test_protocols_to_change_to(meet, at_both) -> None:
    http = """
  - match: [{headers: {upgrade: {exact: websocket}}}]
    route: [{destination: {host: web, subset: v2}}]
  - match: [{headers: {connection: {}}}]
    directResponse: {status: 418}
  - match: [{uri: {exact: /}}]
    route: [{destination: {host: web, subset: v1}}]
"""
    asking = ("connection", "Upgrade")
    cases = {
        (("upgrade", "websocket"), asking): "v2",
        (("upgrade", "websocket"), ("connection", "keep-alive, upgrade")): "v2",
        (("upgrade", "websocket"),): "v1",
        (("upgrade", "h2c"), asking): "v1",
        (("upgrade", "other"), asking): "403",
        (("upgrade", "other"),): "v1",
        (asking,): "v1",
    }
    found = meet(http, [one for sent in cases for one in at_both("/", *sent)])
    assert [one.difference for one in found] == [""] * len(found)
    assert [one.version for one in found[::2]] == list(cases.values())
    exact = "  - match: [{uri: {exact: /}}]\n    route: [{destination: {host: web, subset: v1}}]\n"
    unrouted = meet(exact, at_both("/x", ("upgrade", "other"), asking))
    assert [(one.difference, one.version) for one in unrouted] == [("", "404")] * 2


def test_continue_is_passed_on_and_ends_all_retries(meet, at_both) -> None:
    found = meet(HTTP, at_both("/", ("expect", "100-continue"), method="POST", body=b"abc"))
    assert [(one.difference, one.version) for one in found] == [("", "v1")] * 2
    assert [dict(one.received[0].headers)["expect"] for one in found] == ["100-continue"] * 2


def test_an_empty_x_forwarded_proto_leaves_no_scheme(meet, at_both) -> None:
    within, outside = meet(HTTP, at_both("/", ("x-forwarded-proto", "")))
    assert (within.difference, within.version) == ("", "404")
    assert (outside.difference, outside.version) == ("", "v1")
