"""Each request gets exactly its answer: what passes, and each way to fail."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from hashlib import sha256

import pytest
from meshproof.border.books import Books, PodBook
from meshproof.border.expectation import Abort, HeaderExpectation, Redirect
from meshproof.border.verdict import Outcome
from meshproof.judge.answers.answers import Answers

from .one_answer import REQUEST, answered, own, received, routed


def test_answers_as_specified_pass(build) -> None:
    (trial,) = Answers().begin(build.plan((routed(build), own(build), own(build, 0, refused="handshake"))))
    assert [trial.wants(number) for number in range(3)] == [2, 2, 2]
    for number in range(2):
        assert not trial.decided
        trial.observe(build.seen("v1", id=f"a{number}"))
        trial.observe(build.seen(status=404, request=1, id=f"b{number}"))
        trial.observe(build.seen(status=0, error="TLS: no", request=2, id=f"c{number}"))
    assert [trial.wants(number) for number in range(3)] == [0, 0, 0]
    assert trial.decided
    books = Books((PodBook("helloworld-v1-0", "default/helloworld-v1", 2, 1, (received(id="a0"), received(id="a1"))),))
    verdict = trial.conclude(books)
    assert (verdict.outcome, verdict.n, verdict.alpha) == (Outcome.PASSED, 6, None)
    assert "all 3 requests" in verdict.reason
    table = verdict.evidence["table"]
    assert [(row["specified"], row["observed"], row["outcome"]) for row in table] == [
        ("default/helloworld-v1", "answered 200 by default/helloworld-v1", "passed"),
        ("404 by the proxy", "answered 404 by the proxy", "passed"),
        ("no handshake", "not answered (TLS: no)", "passed"),
    ]
    assert [row["rule"] for row in table] == ["canary.yaml:10:5", "no rule", "no rule"]


def test_connections_that_are_judged_elsewhere_are_not_counted(build) -> None:
    connection = own(build, request=replace(REQUEST, method="CONNECT", scheme="tcp", path=""))
    (trial,) = Answers(times=1).begin(build.plan((own(build), connection)))
    trial.observe(build.seen(status=404, id="a"))
    assert trial.conclude(Books(())).reason == "the request was answered as specified, 1 time, by the proxy with 404"


def test_too_few_answers_are_inconclusive(build) -> None:
    (trial,) = Answers().begin(build.plan(own(build)))
    trial.observe(build.seen(status=404))
    assert not trial.decided
    assert trial.conclude(Books()).outcome is Outcome.INCONCLUSIVE


def test_one_mismatch_among_many_fails_and_names_rule_and_answer(build) -> None:
    (trial,) = Answers(times=1).begin(build.plan((own(build), own(build, request=replace(REQUEST, path="/x")))))
    trial.observe(build.seen(status=404))
    trial.observe(build.seen(status=404, request=1))
    trial.observe(build.seen("v1", request=1, id="late"))
    verdict = trial.conclude(Books())
    assert verdict.outcome is Outcome.FAILED
    assert verdict.reason == (
        "1 of 2 requests were not answered as specified. GET http://h.example.com/x x-own:1 (by gateway default/g): "
        "answered 200 by default/helloworld-v1, but 404 by the proxy is specified (no rule)"
    )
    assert [row["outcome"] for row in verdict.evidence["table"]] == ["passed", "failed"]


@pytest.mark.parametrize(
    "observation",
    [{"status": 200}, {"status": 0, "error": "connection reset"}, {"status": 503}, {"subset": "v2"}],
)
def test_any_other_answer_than_the_destinations_fails(build, observation: dict[str, object]) -> None:
    verdict = answered(build, routed(build), build.seen(**observation), received())
    assert verdict.outcome is Outcome.FAILED


def test_an_answer_of_the_proxy_is_not_that_of_a_pod(build) -> None:
    assert answered(build, own(build), build.seen("v1", status=404), received()).outcome is Outcome.FAILED
    assert answered(build, own(build), build.seen(status=403)).outcome is Outcome.FAILED
    leaked = answered(build, own(build), build.seen(status=404), received())
    assert (leaked.outcome, "it reached helloworld-v1-0" in leaked.reason) == (Outcome.FAILED, True)


def test_location_and_body_of_the_proxy(build) -> None:
    moved = own(build, 301, redirect=Redirect(301, "https://a/b"))
    good = build.seen(status=301, headers=(("location", "https://a/b"),))
    assert answered(build, moved, good).outcome is Outcome.PASSED
    assert answered(build, moved, replace(good, headers=())).outcome is Outcome.FAILED
    assert answered(build, moved, replace(good, status=302)).outcome is Outcome.FAILED
    beyond = own(build, 301, redirect=Redirect(301, "http://a/café"))
    bytewise = build.seen(status=301, headers=(("location", "http://a/café".encode().decode("latin-1")),))
    assert answered(build, beyond, bytewise).outcome is Outcome.PASSED
    assert (
        "to http://a/caf\\xe9"
        in answered(build, beyond, replace(good, headers=(("location", "http://a/café"),))).reason
    )
    fixed = own(build, 410, body="gone")
    told = build.seen(status=410, digest=sha256(b"gone").hexdigest())
    assert answered(build, fixed, told).outcome is Outcome.PASSED
    assert answered(build, fixed, replace(told, digest="")).outcome is Outcome.FAILED


@pytest.mark.parametrize(
    ("refused", "seen", "good"),
    [
        ("handshake", {"status": 0, "error": "TLS: tlsv13 alert certificate required"}, True),
        ("handshake", {"status": 0, "error": "connection reset"}, True),
        ("handshake", {"status": 0, "error": "connection refused"}, False),
        ("handshake", {"status": 0, "error": "no answer within 15 s"}, False),
        ("handshake", {"status": 404}, False),
        ("handshake", {"subset": "v1"}, False),
        ("connection", {"status": 0, "error": "connection refused"}, True),
        ("connection", {"status": 400}, False),
    ],
)
def test_refused_connections_and_handshakes(build, refused: str, seen: dict[str, object], good: bool) -> None:
    expected = own(build, 0, refused=refused)
    assert (answered(build, expected, build.seen(**seen)).outcome is Outcome.PASSED) is good
    assert answered(build, expected, build.seen(status=0, error="TLS: x"), received()).outcome is Outcome.FAILED


def test_a_destination_without_pods_is_the_proxys_503(build) -> None:
    expected = routed(build)
    expected = replace(expected, arms=(replace(expected.arms[0], workloads=frozenset(), note="no pods"),))
    assert answered(build, expected, build.seen(status=503)).outcome is Outcome.PASSED
    assert answered(build, expected, build.seen("v1"), received()).outcome is Outcome.FAILED


def test_injected_aborts_are_answers_too(build) -> None:
    some = routed(build, abort=Abort(Fraction(1, 2), 418, build.route))
    assert answered(build, some, build.seen(status=418)).outcome is Outcome.PASSED
    assert answered(build, some, build.seen("v1"), received()).outcome is Outcome.PASSED
    assert answered(build, some, build.seen(status=500)).outcome is Outcome.FAILED
    every = routed(build, abort=Abort(Fraction(1), 418, build.route))
    assert answered(build, every, build.seen(status=418)).outcome is Outcome.PASSED
    assert answered(build, every, build.seen("v1"), received()).outcome is Outcome.FAILED


def test_each_stage_is_a_verdict(build) -> None:
    trials = Answers().begin(build.plan(own(build), own(build)))
    assert [trial.stage for trial in trials] == [0, 1]


def to_grpc(said: int) -> HeaderExpectation:
    return HeaderExpectation((("grpc-status", str(said)),))


def test_what_the_proxy_says_to_grpc_is_held(build) -> None:
    denied = own(build, 200, headers=to_grpc(7))
    assert answered(build, denied, build.seen(headers=(("grpc-status", "7"),))).outcome is Outcome.PASSED
    for wrong in (build.seen(headers=(("grpc-status", "12"),)), build.seen(), build.seen(status=403)):
        verdict = answered(build, denied, wrong)
        assert verdict.outcome is Outcome.FAILED
        assert "200 with grpc-status 7 by the proxy is specified" in verdict.reason


def test_destinations_that_nobody_answers_for_are_told_to_grpc_so(build) -> None:
    grpc = replace(REQUEST, headers=(("content-type", "application/grpc"),))
    missing = build.expectation(build.arm("v1", 100, "none"), request=grpc)
    assert answered(build, missing, build.seen(headers=(("grpc-status", "14"),))).outcome is Outcome.PASSED
    assert answered(build, missing, build.seen(headers=(("grpc-status", "12"),))).outcome is Outcome.FAILED
    assert answered(build, missing, build.seen(status=503)).outcome is Outcome.FAILED
    aborted = routed(build, request=grpc, abort=Abort(Fraction(1), 200, build.route, 5))
    assert answered(build, aborted, build.seen(headers=(("grpc-status", "5"),))).outcome is Outcome.PASSED
    assert answered(build, aborted, build.seen(headers=(("grpc-status", "14"),))).outcome is Outcome.FAILED


@pytest.mark.parametrize(
    ("came", "good"),
    [
        ("1,max-age=0, no-cache", True),
        ("max-age=0, no-cache", True),
        ("1,max-age=0", False),
        ("no-cache,max-age=0,1", False),
        ("1,max-age=0,1,no-cache", False),
    ],
)
def test_what_is_added_may_have_commas_of_its_own(build, came: str, good: bool) -> None:
    """`cache-control` is written so, and proxies join it to what the client sent."""
    adding = HeaderExpectation(added=(("cache-control", "max-age=0, no-cache"),))
    beside = received(headers=(("host", "h.example.com"), ("x-own", "1"), ("cache-control", came)))
    verdict = answered(build, routed(build, request_headers=adding), build.seen("v1"), beside)
    assert (verdict.outcome is Outcome.PASSED) is good
