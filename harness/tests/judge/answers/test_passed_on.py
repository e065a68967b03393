"""A proxy that reads requests leaves its mark on each; a connection that it passes on as it is has none."""

from __future__ import annotations

from dataclasses import replace

import pytest
from meshproof.border.books import Books, PodBook, Received
from meshproof.border.expectation import Expectation, HeaderExpectation
from meshproof.border.verdict import Outcome, Verdict
from meshproof.judge.answers.answers import Answers

OF_CLIENT = (("host", "helloworld:5000"), ("user-agent", "meshproof"))
OF_PROXY = ("X-Forwarded-Proto", "http")


def judged(build, expectation: Expectation, *headers: tuple[str, str]) -> Verdict:
    received = Received("id-1", "helloworld-v1-0", "GET", "/hello", "helloworld:5000", headers, "", 0.0)
    (trial,) = Answers(times=1).begin(build.plan(expectation))
    trial.observe(build.seen("v1", id="id-1"))
    return trial.conclude(Books((PodBook(received.pod, "default/helloworld-v1", 1, 1, (received,)),)))


def expected(build, **fields: object) -> Expectation:
    return build.expectation(build.arm("v1", 100), path="/hello", authority="helloworld:5000", **fields)


def test_a_request_that_no_proxy_has_read_is_not_as_specified(build) -> None:
    assert judged(build, expected(build), *OF_CLIENT, OF_PROXY).outcome is Outcome.PASSED
    verdict = judged(build, expected(build), *OF_CLIENT)
    assert verdict.outcome is Outcome.FAILED
    assert "no proxy read the request before helloworld-v1-0: it came without x-forwarded-proto" in verdict.reason


@pytest.mark.parametrize("taken_off", [False, True])
def test_where_no_proxy_reads_it_or_a_rule_takes_the_mark_off_none_is_wanted(build, taken_off: bool) -> None:
    arm = build.arm("v1", 100)
    if taken_off:
        arm = replace(arm, request_headers=HeaderExpectation(absent=("x-forwarded-proto",)))
    expectation = replace(expected(build, independent=taken_off), arms=(arm,))
    assert judged(build, expectation, *OF_CLIENT).outcome is Outcome.PASSED
