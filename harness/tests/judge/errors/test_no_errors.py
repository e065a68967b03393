"""NoErrors: the first error fails, wherever in the load it comes."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import cycle, islice
from typing import Any

import pytest
from meshproof.border.books import Books
from meshproof.border.expectation import Abort, Delay, HeaderExpectation
from meshproof.border.verdict import Outcome, Precision
from meshproof.judge import Answers, NoErrors, Split


def begun(build: Any, *stages: Any, precision: Precision | None = None) -> Any:
    rows = stages or (build.expectation(build.arm("v1", 100)),)
    (trial,) = NoErrors().begin(build.plan(*rows, precision=precision))
    return trial


def test_it_takes_every_observation_and_passes_after_152(build: Any) -> None:
    trial = begun(build)
    assert (trial.stage, trial.request, trial.limit, trial.check) == (None, None, 152, "NoErrors")
    verdict = build.feed(trial, cycle([build.seen("v1"), build.seen("v1", status=302, stage=-1)]))
    assert (verdict.outcome, verdict.n) == (Outcome.PASSED, 152)
    assert verdict.reason == "all 152 requests were answered without an error"
    assert (verdict.alpha, verdict.request, verdict.arms) == (None, "", ())


@pytest.mark.parametrize(
    ("subset", "status", "kind"),
    [
        ("v1", 500, "answered 500 by default/helloworld-v1"),
        ("", 503, "answered 503 by the proxy"),
        ("", 0, "not answered (read timed out)"),
        ("v1", 404, "answered 404 by default/helloworld-v1"),
    ],
)
def test_one_error_fails_even_after_the_check_had_passed(build: Any, subset: str, status: int, kind: str) -> None:
    trial = begun(build)
    assert build.feed(trial, cycle([build.seen("v1")])).outcome is Outcome.PASSED
    error = "read timed out" if status == 0 else ""
    trial.observe(build.seen(subset, status=status, id="late", started=1.5, error=error))
    verdict = trial.conclude(Books())
    assert verdict.outcome is Outcome.FAILED
    assert verdict.reason == (
        f"1 of 153 requests was {kind}; the first was request late, sent 1.500 s after the load began, in stage 0"
    )
    assert verdict.evidence == {"errors": {kind: 1}, "first": "late", "delayed": 0}


def test_errors_are_counted_by_kind_and_explained_by_the_manifests(build: Any) -> None:
    note = "subset v2 is not defined by any DestinationRule (canary.yaml:14:9)"
    trial = begun(build, build.expectation(build.arm("v1", 90), build.arm("v2", 10, "none", note=note)))
    stream = [build.seen(status=503, id="a"), build.seen(status=0), build.seen(status=503), build.seen("v1")]
    for observation in stream:
        trial.observe(observation)
    assert trial.decided
    assert trial.conclude(Books()).reason == (
        "2 of 4 requests were answered 503 by the proxy and 1 of 4 requests was not answered; "
        f"the first was request a, sent 0.250 s after the load began, in stage 0; {note}"
    )


def test_hostile_error_texts_neither_flood_nor_break_the_sentence(build: Any) -> None:
    trial = begun(build)
    for number in range(50):
        trial.observe(build.seen(status=0, error=f"{number}\n" + "x" * 5000))
    reason = trial.conclude(Books()).reason
    assert len(reason) < 800
    assert "\n" not in reason
    assert "47 more ended otherwise" in reason


def test_the_specified_answer_of_the_proxy_is_no_error(build: Any) -> None:
    closed, opened = build.expectation(status=404), build.expectation(build.arm("v1", 100))
    assert build.feed(begun(build, closed), cycle([build.seen(status=404)])).outcome is Outcome.PASSED
    for wrong in (build.seen(status=503), build.seen("v1", status=404), build.seen(status=0)):
        trial = begun(build, closed)
        trial.observe(wrong)
        assert trial.conclude(Books()).outcome is Outcome.FAILED
    for stage, outcome in ((0, Outcome.FAILED), (1, Outcome.INCONCLUSIVE), (-1, Outcome.INCONCLUSIVE)):
        trial = begun(build, opened, closed)
        trial.observe(build.seen(status=404, stage=stage))
        assert trial.conclude(Books()).outcome is outcome


def test_during_a_change_both_neighbours_count_and_no_other(build: Any) -> None:
    opened, closed = build.expectation(build.arm("v1", 100)), build.expectation(status=404)
    trial = begun(build, opened, opened, closed)
    trial.observe(build.seen(status=404, stage=-1))
    verdict = trial.conclude(Books())
    assert verdict.outcome is Outcome.FAILED
    assert "in the change to stage 1" in verdict.reason
    trial = begun(build, closed, opened)
    trial.observe(build.seen(status=404, stage=-1))
    assert not trial.decided


def test_an_injected_fault_is_no_error(build: Any) -> None:
    abort = Abort(Fraction(1, 10), 418, build.route)
    trial = begun(build, build.expectation(build.arm("v1", 100), abort=abort))
    trial.observe(build.seen(status=418))
    assert not trial.decided
    trial.observe(build.seen(status=503))
    assert trial.decided


def test_too_few_requests_are_inconclusive(build: Any) -> None:
    trial = begun(build)
    assert trial.conclude(Books()).reason == "no request was observed"
    verdict = build.feed(trial, islice(cycle([build.seen("v1")]), 20))
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert verdict.reason == "only 20 requests were observed, 152 are needed; none was an error"
    trial = begun(build, precision=Precision(max_requests=50))
    assert build.feed(trial, cycle([build.seen("v1")])).outcome is Outcome.INCONCLUSIVE
    assert (trial.count, trial.limit) == (50, 50)


DELAYED = Books(proxies={"sidecar": {"http.outbound_0.0.0.0_5000.fault.delays_injected": 3}})


def test_a_delay_that_nothing_specifies_fails_though_every_answer_is_right(build: Any) -> None:
    trial = begun(build)
    build.feed(trial, cycle([build.seen("v1")]))
    verdict = trial.conclude(DELAYED)
    assert verdict.outcome is Outcome.FAILED
    assert verdict.reason.startswith(
        "3 of 152 requests were held back by the proxies (fault.delays_injected), and no delay is specified; all 152"
    )


def test_a_specified_delay_is_judged_by_another_check(build: Any) -> None:
    delay = Delay(Fraction(1, 10), 1.0, build.route)
    trial = begun(build, build.expectation(build.arm("v1", 100), delay=delay))
    build.feed(trial, cycle([build.seen("v1")]))
    assert trial.conclude(DELAYED).outcome is Outcome.PASSED


@pytest.mark.parametrize(("shared", "outcome"), [((), Outcome.FAILED), (("gateway-0",), Outcome.PASSED)])
def test_delays_at_a_gateway_count_unless_it_serves_others(
    build: Any, shared: tuple[str, ...], outcome: Outcome
) -> None:
    one = build.expectation(build.arm("v1", 100))
    trial = begun(build, replace(one, request=replace(one.request, gateway="default/gateway")))
    build.feed(trial, cycle([build.seen("v1")]))
    books = Books(
        proxies={"gateway-0": {"http.outbound_0.0.0.0_80.fault.delays_injected": 3}}, shared=frozenset(shared)
    )
    assert trial.conclude(books).outcome is outcome


def test_delays_of_a_load_within_the_mesh_are_not_hidden_by_a_shared_gateway(build: Any) -> None:
    trial = begun(build)
    build.feed(trial, cycle([build.seen("v1")]))
    gateway = {"gateway-0": {"http.outbound_0.0.0.0_80.fault.delays_injected": 9}}
    assert trial.conclude(Books(proxies=gateway, shared=frozenset(gateway))).outcome is Outcome.PASSED
    both = trial.conclude(Books(proxies={**gateway, **DELAYED.proxies}, shared=frozenset(gateway)))
    assert both.outcome is Outcome.FAILED
    assert both.evidence["delayed"] == 3


UNKNOWN = ("x-meshproof-unknown", "httpbin")


def test_what_a_stand_in_does_not_know_is_told_and_no_error(build: Any) -> None:
    trial = begun(build)
    stream = [build.seen("v1", status=404, headers=(UNKNOWN,)), build.seen("v1", status=405, headers=(UNKNOWN,))]
    verdict = build.feed(trial, [*stream, *islice(cycle([build.seen("v1")]), 150)])
    assert verdict.outcome is Outcome.PASSED
    assert verdict.reason == (
        "all 152 requests were answered without an error of the mesh; 1 of 152 requests was answered 404 by the "
        "stand-in for httpbin, which does not know that path or method, which says nothing of the mesh; 1 of 152 "
        "requests was answered 405 by the stand-in for httpbin, which does not know that path or method, which says "
        "nothing of the mesh"
    )


def test_a_404_of_a_pod_that_says_nothing_of_it_is_an_error(build: Any) -> None:
    trial = begun(build)
    trial.observe(build.seen("v1", status=404))
    assert trial.conclude(Books()).outcome is Outcome.FAILED


@pytest.mark.parametrize(("said", "outcome"), [("0", Outcome.PASSED), ("14", Outcome.FAILED)])
def test_an_answer_to_grpc_is_an_error_by_its_grpc_status(build: Any, said: str, outcome: Outcome) -> None:
    for subset in ("", "v1"):
        answers = cycle([build.seen(subset, headers=(("grpc-status", said),))])
        assert build.feed(begun(build), answers).outcome is outcome


def test_a_grpc_status_that_is_specified_is_no_error(build: Any) -> None:
    wanted = HeaderExpectation((("grpc-status", "7"),))
    specified = build.expectation(status=200, headers=wanted)
    aborted = build.expectation(build.arm("v1", 100), abort=Abort(Fraction(1, 2), 200, build.route, 5))
    for expectation, said, outcome in (
        (specified, "7", Outcome.PASSED),
        (specified, "14", Outcome.FAILED),
        (aborted, "5", Outcome.PASSED),
        (aborted, "14", Outcome.FAILED),
    ):
        answers = cycle([build.seen(headers=(("grpc-status", said),))])
        assert build.feed(begun(build, expectation), answers).outcome is outcome


def test_what_timed_out_while_the_machine_stood_still_is_not_judged(build: Any) -> None:
    limited = build.expectation(build.arm("v1", 100), timeout=0.5)
    late = build.seen(status=504, latency=0.5, stalled=0.4)
    verdict = build.feed(begun(build, limited), [late, late, *[build.seen("v1")] * 152])
    assert (verdict.outcome, verdict.n) == (Outcome.PASSED, 152)
    assert "2 were not judged: their time ran out while this machine stood still" in verdict.reason
    assert build.feed(begun(build, limited), [replace(late, stalled=0.1)]).outcome is Outcome.FAILED
    assert build.feed(begun(build, limited), [late] * 500).outcome is Outcome.INCONCLUSIVE


@pytest.mark.parametrize("check", [Split(), Answers()])
def test_nor_is_it_by_shares_and_answers(build: Any, check: Any) -> None:
    limited = build.expectation(build.arm("v1", 100), timeout=0.5)
    (trial,) = check.begin(build.plan(limited))
    before = trial.count
    trial.observe(build.seen(status=504, latency=0.5, stalled=0.4))
    assert (trial.count, trial.decided) == (before, False)
