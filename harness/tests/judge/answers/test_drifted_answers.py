"""What applied rules change and specified ones do not, and what books that are full leave open."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from meshproof.border.books import Books, PodBook, Received
from meshproof.border.expectation import Expectation, HeaderExpectation
from meshproof.border.observation import Observation
from meshproof.border.verdict import Outcome, Verdict
from meshproof.errors import Location
from meshproof.judge.answers.answers import HELD, Answers

APPLIED = Location("applied.yaml", 7, 5)
OF_PROXY = ("x-forwarded-proto", "http")
HEADERS = (("host", "helloworld:5000"), ("user-agent", "meshproof"), ("x-meshproof-id", "1"), OF_PROXY)


def received(pod: str = "helloworld-v1-0", id: str = "id-1", headers: Sequence[tuple[str, str]] = ()) -> Received:
    return Received(id, pod, "GET", "/hello", "helloworld:5000", (*HEADERS, *headers), "", 0.0)


def expected(build, *arms: object) -> Expectation:
    return build.expectation(*(arms or (build.arm("v1", 100),)), path="/hello", authority="helloworld:5000")


def judged(
    build, specified: Expectation, applied: Expectation | None, seen: Sequence[Observation], *books: PodBook
) -> Verdict:
    plan = build.plan(specified)
    (trial,) = Answers(times=1).begin(replace(plan, applied=((applied,),)) if applied else plan)
    for one in seen:
        trial.observe(one)
    return trial.conclude(Books(books))


def book(*requests: Received, forgotten: int = 0) -> PodBook:
    return PodBook("helloworld-v1-0", "default/helloworld-v1", len(requests), 1, requests, forgotten=forgotten)


@pytest.mark.parametrize(
    ("header", "named"),
    [
        (("x-tenant", "acme"), "its request header x-tenant was 'acme', which no rule sets"),
        (("X-Request-Id", "1"), ""),
        (("x-envoy-attempt-count", "1"), ""),
        (("X-Forwarded-For", "10.0.0.1"), ""),
        (("traceparent", "00-1-1-01"), ""),
    ],
)
def test_a_request_header_that_no_rule_sets_is_a_mismatch(build, header: tuple[str, str], named: str) -> None:
    verdict = judged(build, expected(build), None, [build.seen("v1")], book(received(headers=(header,))))
    assert verdict.outcome is (Outcome.FAILED if named else Outcome.PASSED)
    assert named in verdict.reason


def test_a_response_header_that_only_an_applied_rule_writes_is_a_mismatch(build) -> None:
    written = HeaderExpectation(exact=(("x-version", "2"), ("date", "now")))
    applied = replace(expected(build, replace(build.arm("v1", 100), response_headers=written)), route=APPLIED)
    seen = build.seen("v1", headers=(("x-version", "2"), ("date", "now")))
    verdict = judged(build, expected(build), applied, [seen], book(received()))
    assert verdict.outcome is Outcome.FAILED
    assert "its response header x-version was '2', which no rule sets" in verdict.reason
    assert "what is applied takes it by the rule at applied.yaml:7:5" in verdict.reason
    # The workload may send such a header itself, with another value, and dates in any case.
    own = build.seen("v1", headers=(("x-version", "1"), ("date", "now")))
    assert judged(build, expected(build), applied, [own], book(received())).outcome is Outcome.PASSED
    assert judged(build, expected(build), None, [seen], book(received())).outcome is Outcome.PASSED


def test_where_nothing_applied_takes_a_request_that_is_named_too(build) -> None:
    applied = build.expectation(route=None, status=404, note="no rule matches")
    verdict = judged(build, expected(build), applied, [build.seen(status=404)])
    assert "(canary.yaml:10:5; what is applied has no rule for it (no rule matches))" in verdict.reason


def test_the_answers_of_a_rare_destination_are_held_however_many_others_there_are(build) -> None:
    marked = HeaderExpectation(exact=(("x-v", "2"),))
    specified = expected(build, build.arm("v1", 95), replace(build.arm("v2", 5), response_headers=marked))
    plenty = [build.seen("v1", id=f"a{number}") for number in range(2 * HELD)]
    rare = build.seen("v2", id="rare")
    books = [book(*(received(id=one.id) for one in plenty))]
    books.append(PodBook("helloworld-v2-0", "default/helloworld-v2", 1, 1, (received("helloworld-v2-0", "rare"),)))
    verdict = judged(build, specified, None, [*plenty, rare], *books)
    assert (verdict.outcome, verdict.n) == (Outcome.FAILED, 2 * HELD + 1)
    assert "its response header x-v was missing" in verdict.reason


def test_what_full_books_do_not_keep_is_no_mismatch_and_no_pass(build) -> None:
    kept, lost = build.seen("v1", id="kept"), build.seen("v1", id="lost")
    full = book(received(id="kept"), forgotten=1)
    assert judged(build, expected(build), None, [kept, lost], full).outcome is Outcome.PASSED
    verdict = judged(build, expected(build), None, [lost], full)
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "what they received of 1 of 1 requests is not kept" in verdict.reason
    assert judged(build, expected(build), None, [lost], book(received(id="kept"))).outcome is Outcome.FAILED


def test_the_503_of_a_destination_without_workloads_is_as_specified_beside_others(build) -> None:
    specified = expected(build, build.arm("v1", 50), build.arm("v2", 50, "none"))
    refused = build.seen(status=503, id="r")
    seen = [build.seen("v1"), refused]
    assert judged(build, specified, None, seen, book(received())).outcome is Outcome.PASSED
    whole = expected(build, build.arm("v1", 100), build.arm("v2", 0, "none"))
    assert judged(build, whole, None, seen, book(received())).outcome is Outcome.FAILED
