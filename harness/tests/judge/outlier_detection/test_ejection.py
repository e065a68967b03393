"""OutlierDetection passes a proxy that ejects as specified, and fails every other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from meshproof.border.books import Mark
from meshproof.border.expectation import Ejection
from meshproof.border.verdict import Outcome

from .simulated_proxy import SPECIFIED, Judge, SimulatedProxy

CAPPED = replace(SPECIFIED, max_ejection_percent=50)
HEALTH = replace(SPECIFIED, max_ejection_percent=67, min_health_percent=50)
GATEWAY = replace(SPECIFIED, consecutive_5xx_errors=None)
SPLIT = replace(SPECIFIED, split_external_local_origin_errors=True, consecutive_local_origin_failures=3)
NEVER = replace(SPECIFIED, max_ejection_percent=10)


@pytest.mark.parametrize("hosts", [1, 2, 3, 4])
@pytest.mark.parametrize("rule", [SPECIFIED, CAPPED, HEALTH, GATEWAY, SPLIT, NEVER])
def test_a_proxy_that_ejects_as_specified_passes(judged: Judge, rule: Ejection, hosts: int) -> None:
    verdict = judged(rule, SimulatedProxy(rule, hosts))
    assert verdict.outcome is Outcome.PASSED, verdict.reason
    assert verdict.reason.endswith(", as specified at outlier.yaml:9:7")
    assert verdict.alpha is None


def test_the_reason_of_a_passed_verdict_has_the_numbers(judged: Judge) -> None:
    reason = judged(CAPPED, SimulatedProxy(CAPPED, 4)).reason
    assert reason.startswith(
        "a host was ejected after 4 errors (500) and 2 errors (refused) and back after 2.8 s and 4.9 s"
    )
    assert "of 4 failing hosts 2 were ejected at once" in reason
    assert "none of 6 kinds of error ejected any of 4 hosts" in judged(NEVER, SimulatedProxy(NEVER, 4)).reason


@pytest.mark.parametrize(
    ("specified", "hosts", "changes", "words"),
    [
        (SPECIFIED, 3, {"consecutive_5xx_errors": 5}, "ejected after 5 errors (500) in a row; 4 are specified"),
        (SPECIFIED, 3, {"consecutive_5xx_errors": 3}, "ejected after 3 errors (500) in a row; 4 are specified"),
        (SPECIFIED, 3, {"consecutive_5xx_errors": 40}, "12 errors (500) in a row did not eject a host; 4 should"),
        (SPECIFIED, 3, {"consecutive_5xx_errors": None}, "did not eject a host"),
        (SPECIFIED, 3, {"consecutive_gateway_errors": 3}, "ejected after 3 errors (refused) in a row; 2 are specified"),
        (SPECIFIED, 3, {"consecutive_gateway_errors": None}, "ejected after 4 errors (refused) in a row; 2 are"),
        (GATEWAY, 3, {"consecutive_5xx_errors": 5}, "ejected after 5 errors (500) in a row that no detector counts"),
        (SPLIT, 3, {"consecutive_local_origin_failures": None}, "ejected after 5 errors (refused) in a row; 3 are"),
        (SPLIT, 3, {"split_external_local_origin_errors": False}, "ejected after 2 errors (reset) in a row that no"),
        (SPECIFIED, 3, {"base_ejection_time": 6.0}, "the first ejection had not ended after"),
        (SPECIFIED, 3, {"base_ejection_time": 30.0}, "the first ejection had not ended after"),
        (SPECIFIED, 3, {"base_ejection_time": 0.667}, "the first ejection lasted 0.82 s at most"),
        (SPECIFIED, 3, {"interval": 3.0}, "the first ejection had not ended after"),
        (SPECIFIED, 3, {"interval": 10.0}, "the first ejection had not ended after"),
        (SPECIFIED, 3, {"interval": 1 / 3}, "by the rule it ends 5 ticks of 1 s (interval) after"),
        (SPECIFIED, 3, {"max_ejection_percent": 67}, "of 3 failing hosts 2 were ejected at once; 100 % are 3"),
        (SPECIFIED, 3, {"max_ejection_percent": 10}, "did not eject a host"),
        (CAPPED, 4, {"max_ejection_percent": 100}, "of 4 failing hosts 4 were ejected at once; 50 % are 2"),
        (CAPPED, 4, {"max_ejection_percent": 25}, "of 4 failing hosts 1 was ejected at once; 50 % are 2"),
        (NEVER, 4, {"max_ejection_percent": 100}, "in a row that no detector counts"),
        (HEALTH, 3, {"min_health_percent": 0}, "with 2 of 3 hosts ejected, httpbin-1 got none of"),
        (HEALTH, 3, {"min_health_percent": 25}, "with 2 of 3 hosts ejected, httpbin-1 got none of"),
        (HEALTH, 3, {"min_health_percent": 100}, "with 1 of 3 hosts ejected, httpbin-0, which is one of them, got"),
        (SPECIFIED, 1, {"min_health_percent": 50}, "with 1 of 1 hosts ejected, httpbin-0, which is one of them, got"),
    ],
)
def test_any_other_setting_fails(
    judged: Judge, specified: Ejection, hosts: int, changes: dict[str, Any], words: str
) -> None:
    verdict = judged(specified, SimulatedProxy(replace(specified, **changes), hosts))
    assert verdict.outcome is Outcome.FAILED, verdict.reason
    assert words in verdict.reason


def ignored(proxy: SimulatedProxy) -> None:
    """The ejected host goes on to get requests."""
    late = next(n for n, one in enumerate(proxy.seen) if one.started > 1.2 + 1.5)
    proxy.seen[late] = replace(proxy.seen[late], pod="httpbin-0")


def failed(proxy: SimulatedProxy) -> None:
    """A request fails although the other hosts are well."""
    late = next(n for n, one in enumerate(proxy.seen) if one.started > 1.2 + 1.5)
    proxy.seen[late] = replace(proxy.seen[late], status=503, pod="", workload="")


def idle(proxy: SimulatedProxy) -> None:
    """One of the others carries nothing of the load."""
    proxy.seen = [replace(one, pod="httpbin-1") if one.pod == "httpbin-2" else one for one in proxy.seen]


def exceeded(proxy: SimulatedProxy) -> None:
    """For a moment more are ejected than may be."""
    proxy.marks = [
        replace(mark, values={**mark.values, "most": mark.values["most"] + 1}) if mark.name == "capped" else mark
        for mark in proxy.marks
    ]


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (ignored, "httpbin-0, which is one of them, got request"),
        (failed, "was answered 503 by the proxy, though the others are well"),
        (idle, "httpbin-2 got none of"),
        (exceeded, "of 4 failing hosts 3 were ejected at once"),
    ],
)
def test_traffic_that_is_not_as_specified_fails(
    judged: Judge, spoil: Callable[[SimulatedProxy], None], words: str
) -> None:
    verdict = judged(CAPPED, SimulatedProxy(CAPPED, 4), spoil)
    assert verdict.outcome is Outcome.FAILED
    assert words in verdict.reason


def test_while_the_only_host_is_ejected_the_proxy_answers_503(judged: Judge) -> None:
    def answered(proxy: SimulatedProxy) -> None:
        late = next(n for n, one in enumerate(proxy.seen) if one.started > 1.2 + 1.5)
        proxy.seen[late] = replace(proxy.seen[late], status=504)

    verdict = judged(SPECIFIED, SimulatedProxy(SPECIFIED, 1), answered)
    assert "was answered 504 by the proxy; 503 by the proxy is specified" in verdict.reason


def test_requests_in_the_merge_window_are_not_judged_and_later_ones_are(judged: Judge) -> None:
    assert judged(SPECIFIED, SimulatedProxy(SPECIFIED, 3, merge=1.15)).outcome is Outcome.PASSED
    assert judged(SPECIFIED, SimulatedProxy(SPECIFIED, 3, merge=1.6)).outcome is Outcome.FAILED


def test_what_the_others_answer_while_all_fail_is_no_fault_of_the_proxy(judged: Judge) -> None:
    def failing(proxy: SimulatedProxy) -> None:
        failed(proxy)
        ejected = next(mark for mark in proxy.marks if mark.name == "ejected")
        proxy.marks.append(Mark("failing", ejected.at + 0.3, {}))

    assert judged(CAPPED, SimulatedProxy(CAPPED, 4), failing).outcome is Outcome.PASSED


def test_an_ejection_that_may_have_been_over_before_the_look_is_inconclusive(judged: Judge) -> None:
    def missed(proxy: SimulatedProxy) -> None:
        number = next(n for n, mark in enumerate(proxy.marks) if mark.name == "ejected")
        proxy.marks[number:] = [Mark("missed", proxy.marks[number].at, {"seconds": 2.5})]

    verdict = judged(SPECIFIED, SimulatedProxy(SPECIFIED, 3), missed)
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "a look at the hosts took 2.5 s, and an ejection of 2 s may have been over before it" in verdict.reason
