"""What pods receive and clients get where a rule changes requests and answers: headers, paths, protocols."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from meshproof.border.expectation import Copy, HeaderExpectation, Policy, Upstream
from meshproof.border.prescription import Prescription
from meshproof.border.verdict import Outcome

from .one_answer import REQUEST, answered, own, received, routed

CHANGED = HeaderExpectation(exact=(("x-set", "a"),), added=(("x-add", "b"),), absent=("x-gone",))
GOOD = (("host", "h.example.com"), ("x-own", "1"), ("x-set", "a"), ("x-add", "z, b"))


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({}, ""),
        ({"path": "/other"}, "asked for /other"),
        ({"authority": "elsewhere"}, "called elsewhere"),
        ({"method": "POST"}, "asked by POST"),
        ({"id": "other"}, "which has not received it"),
        ({"pod": "helloworld-v2-0"}, "which has not received it"),
        ({"headers": GOOD[:2] + GOOD[3:]}, "x-set was missing"),
        ({"headers": (*GOOD, ("x-set", "c"))}, "x-set was 'a' and 'c'"),
        ({"headers": GOOD[:3]}, "x-add was missing"),
        ({"headers": (*GOOD, ("X-Gone", ""))}, "x-gone was there"),
        ({"headers": GOOD[2:]}, "x-own was missing"),
        ({"headers": (("x-own", "2"), *GOOD[2:])}, "x-own was '2'"),
    ],
)
def test_what_the_pod_receives(build, fields: dict[str, object], word: str) -> None:
    expected = routed(build, request_headers=CHANGED)
    verdict = answered(build, expected, build.seen("v1"), received(**{"headers": GOOD, **fields}))
    assert verdict.outcome is (Outcome.FAILED if word else Outcome.PASSED)
    assert word in verdict.reason


def test_the_pod_receives_what_a_rewrite_specifies(build) -> None:
    expected = routed(build, path="/new", authority="inside")
    assert answered(build, expected, build.seen("v1"), received()).outcome is Outcome.FAILED
    rewritten = received(path="/new", authority="inside")
    assert answered(build, expected, build.seen("v1"), rewritten).outcome is Outcome.PASSED
    by_arm = routed(build, authority="own", request_headers=HeaderExpectation(exact=(("host", "arm"),)))
    assert answered(build, by_arm, build.seen("v1"), received(authority="arm")).outcome is Outcome.PASSED


@pytest.mark.parametrize(
    ("headers", "good"),
    [
        ((("x-set", "a"), ("x-add", "b")), True),
        ((("x-add", "b"),), False),
        ((("x-set", "a"),), False),
        ((("x-set", "a"), ("x-add", "b"), ("x-gone", "1")), False),
    ],
)
def test_what_the_client_receives(build, headers: tuple[tuple[str, str], ...], good: bool) -> None:
    seen = build.seen("v1", headers=headers)
    verdict = answered(build, routed(build, response_headers=CHANGED), seen, received())
    assert (verdict.outcome is Outcome.PASSED) is good
    verdict = answered(build, own(build, 200, headers=CHANGED), replace(seen, pod="", workload=""))
    assert (verdict.outcome is Outcome.PASSED) is good


def test_several_destinations_each_with_its_own_headers(build) -> None:
    marked = [replace(build.arm(v, 50), request_headers=HeaderExpectation(exact=(("x-v", v),))) for v in ("v1", "v2")]
    plain = {"request": REQUEST, "path": "/status", "authority": "h.example.com"}
    expected = build.expectation(*marked, **plain)
    for version, said, good in (("v1", "v1", True), ("v2", "v2", True), ("v2", "v1", False)):
        got = received(pod=f"helloworld-{version}-0", headers=(("x-own", "1"), ("x-v", said)))
        assert (answered(build, expected, build.seen(version), got).outcome is Outcome.PASSED) is good
    idle = build.expectation(build.arm("v1", 100), build.arm("v2", 0), **plain)
    assert answered(build, idle, build.seen("v2"), received(pod="helloworld-v2-0")).outcome is Outcome.FAILED


def test_a_mirrors_copy_does_not_count_as_the_request(build) -> None:
    copy = Copy("m", Fraction(1), frozenset({"default/helloworld-v1"}), build.route)
    both = (received(), received(authority="h.example.com-shadow:80", path="/copied"))
    assert answered(build, routed(build, copies=(copy,)), build.seen("v1"), *both).outcome is Outcome.PASSED
    assert answered(build, routed(build), build.seen("v1"), *both).outcome is Outcome.FAILED
    further = (received(), received(headers=(("x-forwarded-for", "10.0.0.9, 10.0.0.1"),), path="/copied"))
    assert answered(build, routed(build, copies=(copy,)), build.seen("v1"), *further).outcome is Outcome.PASSED


def test_a_header_that_proxies_drop_need_not_arrive(build) -> None:
    sent = replace(REQUEST, headers=(*REQUEST.headers, ("x-dropped", "1")))
    assert answered(build, routed(build, request=sent), build.seen("v1"), received()).outcome is Outcome.FAILED
    dropped = routed(build, request=sent, dropped=frozenset({"x-dropped"}))
    assert answered(build, dropped, build.seen("v1"), received()).outcome is Outcome.PASSED


def test_values_are_compared_by_their_bytes(build) -> None:
    sent = replace(REQUEST, headers=(("x-own", "café"), ("x-byte", b"\xc3".decode("utf-8", "surrogateescape"))))
    as_bytes = (("host", "h.example.com"), ("x-own", "caf\xc3\xa9"), ("x-byte", "\xc3"))
    expected = routed(build, request=sent)
    assert answered(build, expected, build.seen("v1"), received(headers=as_bytes)).outcome is Outcome.PASSED
    other = (*as_bytes[:1], ("x-own", "caf\xe9"), as_bytes[2])
    assert answered(build, expected, build.seen("v1"), received(headers=other)).outcome is Outcome.FAILED


@pytest.mark.parametrize("upstream", list(Upstream))
@pytest.mark.parametrize("came", [True, False, None])
def test_a_pod_is_called_by_the_protocol_that_is_specified(build, upstream: Upstream, came: bool | None) -> None:
    arm = replace(build.arm("v1", 100), policy=Policy(upstream=upstream))
    expectation = build.expectation(arm, request=REQUEST, path="/status", authority="h.example.com")
    verdict = answered(build, expectation, build.seen("v1", id="id-1"), received(http2=came))
    good = came is None or came is (upstream is Upstream.HTTP2)
    assert verdict.outcome is (Outcome.PASSED if good else Outcome.FAILED)
    assert good or f"was called over {'HTTP/2' if came else 'HTTP/1.1'} instead of" in verdict.reason


@pytest.mark.parametrize(("came", "good"), [(8081, True), (8080, False), (0, True)])
def test_a_pod_is_called_on_the_port_that_is_specified(build, came: int, good: bool) -> None:
    arm = replace(build.arm("v1", 100), target=8081)
    expectation = build.expectation(arm, request=REQUEST, path="/status", authority="h.example.com")
    verdict = answered(build, expectation, build.seen("v1", id="id-1"), received(port=came))
    assert verdict.outcome is (Outcome.PASSED if good else Outcome.FAILED)
    assert good or "was called on port 8080 instead of 8081" in verdict.reason


def test_what_a_rule_adds_to_stays_beside_it(build) -> None:
    """`add` and `set` of one header differ where the client sends it, or the pod answers with it."""
    adding = HeaderExpectation(added=(("x-own", "2"),))
    overwritten = received(headers=(("host", "h.example.com"), ("x-own", "2")))
    verdict = answered(build, routed(build, request_headers=adding), build.seen("v1"), overwritten)
    assert verdict.outcome is Outcome.FAILED
    assert "its request header x-own was '2', without '1'" in verdict.reason
    beside = received(headers=(("host", "h.example.com"), ("x-own", "1,2")))
    assert answered(build, routed(build, request_headers=adding), build.seen("v1"), beside).outcome is Outcome.PASSED

    asking = replace(REQUEST, headers=(Prescription(200, headers=("x-own",)).header,))
    wanted = routed(build, request=asking, response_headers=adding)
    plain = received(headers=(("host", "h.example.com"), *asking.headers))
    only = answered(build, wanted, build.seen("v1", headers=(("x-own", "2"),)), plain)
    assert only.outcome is Outcome.FAILED
    assert "its response header x-own was '2', without 'meshproof'" in only.reason
    both = build.seen("v1", headers=(("x-own", "meshproof"), ("x-own", "2")))
    assert answered(build, wanted, both, plain).outcome is Outcome.PASSED


def test_what_is_set_and_added_to_holds_nothing_else(build) -> None:
    wanted = routed(build, request_headers=HeaderExpectation(exact=(("x-own", "a"), ("x-own", "b"))))
    two = received(headers=(("host", "h.example.com"), ("x-own", "a"), ("x-own", "b")))
    assert answered(build, wanted, build.seen("v1"), two).outcome is Outcome.PASSED
    joined = received(headers=(("host", "h.example.com"), ("x-own", "a,b")))
    assert answered(build, wanted, build.seen("v1"), joined).outcome is Outcome.PASSED
    kept = received(headers=(("host", "h.example.com"), ("x-own", "1"), ("x-own", "a"), ("x-own", "b")))
    verdict = answered(build, wanted, build.seen("v1"), kept)
    assert verdict.outcome is Outcome.FAILED
    assert "its request header x-own was '1', 'a' and 'b', not 'a' and 'b'" in verdict.reason


def test_of_a_value_that_nobody_knows_nothing_is_held(build) -> None:
    """A proxy may write anything, or nothing at all; of other headers everything is held."""
    untold = HeaderExpectation(untold=(("x-own", "%START_TIME%"), ("x-new", "%HOSTNAME%")))
    wanted = routed(build, request_headers=untold, response_headers=untold)
    for further in ((), (("x-own", "2"), ("x-new", "3"))):
        got = received(headers=(("host", "h.example.com"), *further))
        assert answered(build, wanted, build.seen("v1", headers=further), got).outcome is Outcome.PASSED
    other = received(headers=(("host", "h.example.com"), ("x-other", "1")))
    assert answered(build, wanted, build.seen("v1"), other).outcome is Outcome.FAILED
