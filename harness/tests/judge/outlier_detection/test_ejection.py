"""OutlierDetection passes a proxy that ejects as specified, and fails every other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import count
from math import ceil
from typing import Any

import pytest
from meshproof.border.books import Books, Mark, PodBook
from meshproof.border.expectation import Ejection, Policy
from meshproof.border.observation import Observation
from meshproof.border.verdict import Outcome, Verdict
from meshproof.errors import Location
from meshproof.judge import OutlierDetection
from meshproof.judge import ejections as rules
from meshproof.judge.outlier_detection.timeline import listed

RULE = Location("outlier.yaml", 9, 7)
WORKLOAD = "default/httpbin"
SPECIFIED = Ejection(4, 2, interval=1.0, base_ejection_time=2.0, max_ejection_percent=100, location=RULE)
CAPPED = replace(SPECIFIED, max_ejection_percent=50)
HEALTH = replace(SPECIFIED, max_ejection_percent=67, min_health_percent=50)
GATEWAY = replace(SPECIFIED, consecutive_5xx_errors=None)
SPLIT = replace(SPECIFIED, split_external_local_origin_errors=True, consecutive_local_origin_failures=3)
NEVER = replace(SPECIFIED, max_ejection_percent=10)


class SimulatedProxy:
    """The marks and the clients' observations of a load through a proxy that ejects as `rule` says."""

    def __init__(self, rule: Ejection, hosts: int, *, merge: float = 1.0, pause: float = 0.1) -> None:
        self.rule = rule
        self.hosts = hosts
        self.merge = merge
        self.pause = pause
        self.marks: list[Mark] = [Mark("hosts", 0.0, {"hosts": hosts})]
        self.seen: list[Observation] = []
        self._numbers = count()

    def drive(self, trial: Any) -> None:
        harmless, fatal = trial.faults(self.hosts)
        able = rules.allowed(self.rule, self.hosts) > 0
        for fault in harmless:
            needed = rules.errors(self.rule, fault.status) if able else 0
            gone = 0 < needed <= trial.enough
            self.mark("harmless", 1.1, status=fault.status, errors=needed if gone else trial.enough, ejected=gone)
            if gone:
                return
        at = 1.2
        for number, fault in enumerate(fatal):
            back = self.eject(trial, number, fault.status, at, able)
            if back is None:
                return
            at = back + self.pause
        if fatal:
            self.fail_all(trial, at)

    def eject(self, trial: Any, number: int, status: int, at: float, able: bool) -> float | None:
        needed = rules.errors(self.rule, status) if able else 0
        gone = 0 < needed <= trial.enough
        errors = needed if gone else trial.enough
        values = {"number": number, "status": status, "before": errors - 1, "after": errors}
        self.mark("ejected" if gone else "spared", at + 0.01, sent=at, **values)
        if not gone:
            return None
        times = number + 1 if self.pause < self.rule.interval else 1
        back = ceil((at + rules.duration(self.rule, times)) / self.rule.interval) * self.rule.interval
        if back - at > trial.timeout(number):
            self.mark("kept", at + trial.timeout(number), number=number, still=at + trial.timeout(number))
            return None
        self.send(at + 0.02, at + self.merge, frozenset())
        self.send(at + self.merge, back, frozenset({0}))
        self.mark("returned", back + 0.02, number=number, still=back - 0.02)
        return back

    def fail_all(self, trial: Any, at: float) -> None:
        most = rules.allowed(self.rule, self.hosts)
        ejected = frozenset(range(self.hosts - most, self.hosts))
        self.mark("capped", at, ejected=most, most=most, seconds=0.1)
        self.mark("settled", at, **{f"host {number}": float(number in ejected) for number in range(self.hosts)})
        end = at + 0.01 * (trial.stretch(self.hosts) + 2)
        self.send(at, end, ejected, step=0.01)
        self.mark("still", end, still=end)

    def send(self, start: float, end: float, ejected: frozenset[int], step: float = 0.05) -> None:
        usable = sorted(rules.reachable(self.rule, ejected, self.hosts))
        at = start + step / 2
        while at < end:
            number = next(self._numbers)
            pod = f"httpbin-{usable[number % len(usable)]}" if usable else ""
            status, workload = (200, WORKLOAD) if pod else (503, "")
            self.seen.append(Observation(f"id-{number}", 0, 0, at, 0.001, status, pod, workload))
            at += step

    def mark(self, name: str, at: float, **values: float) -> None:
        self.marks.append(Mark(name, at, values))

    def books(self) -> Books:
        pods = tuple(PodBook(f"httpbin-{number}", WORKLOAD, 0, 1) for number in range(self.hosts))
        return Books(pods, {}, tuple(self.marks))


Judge = Callable[..., Verdict]


@pytest.fixture
def judged(build: Any) -> Judge:
    """The verdict on `specified`, where `proxy` is what runs; `spoil` may change what was observed."""

    def judge(
        specified: Ejection | None, proxy: SimulatedProxy, spoil: Callable[[SimulatedProxy], None] | None = None
    ) -> Verdict:
        arm = replace(build.arm("v1", 100, WORKLOAD), policy=Policy(ejection=specified))
        (trial,) = OutlierDetection().begin(build.plan(build.expectation(arm)))
        if specified is not None and trial.workloads:
            proxy.drive(trial)
        if spoil:
            spoil(proxy)
        for observation in proxy.seen:
            trial.observe(observation)
        return trial.conclude(proxy.books())

    return judge


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


def test_a_second_ejection_that_came_late_is_inconclusive(judged: Judge) -> None:
    verdict = judged(SPECIFIED, SimulatedProxy(SPECIFIED, 3, pause=2.5))
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "no ejection came within an interval of 1 s after a return" in verdict.reason


def cut(name: str) -> Callable[[SimulatedProxy], None]:
    def spoil(proxy: SimulatedProxy) -> None:
        number = next(n for n, mark in enumerate(proxy.marks) if mark.name == name)
        del proxy.marks[number:]

    return spoil


@pytest.mark.parametrize("name", ["hosts", "ejected", "returned", "capped", "still"])
def test_a_timeline_that_ended_early_is_inconclusive(judged: Judge, name: str) -> None:
    assert judged(SPECIFIED, SimulatedProxy(SPECIFIED, 3), cut(name)).outcome is Outcome.INCONCLUSIVE


def test_what_was_not_seen_is_said(judged: Judge) -> None:
    verdict = judged(SPECIFIED, SimulatedProxy(SPECIFIED, 3), cut("still"))
    assert "before it was seen where traffic goes while all of them failed" in verdict.reason


@pytest.mark.parametrize("met", [0, 1])
def test_a_host_that_met_too_few_errors_to_be_ejected_shows_nothing(judged: Judge, met: int) -> None:
    def unmet(proxy: SimulatedProxy) -> None:
        number = next(n for n, mark in enumerate(proxy.marks) if mark.name == "ejected")
        values = {**proxy.marks[number].values, "before": 0, "after": met}
        proxy.marks[number:] = [Mark("spared", proxy.marks[number].at, values)]

    verdict = judged(SPECIFIED, SimulatedProxy(SPECIFIED, 3), unmet)
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert f"met no more than {met} error" in verdict.reason


def test_an_ejection_that_may_have_been_over_before_the_look_is_inconclusive(judged: Judge) -> None:
    def missed(proxy: SimulatedProxy) -> None:
        number = next(n for n, mark in enumerate(proxy.marks) if mark.name == "ejected")
        proxy.marks[number:] = [Mark("missed", proxy.marks[number].at, {"seconds": 2.5})]

    verdict = judged(SPECIFIED, SimulatedProxy(SPECIFIED, 3), missed)
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "a look at the hosts took 2.5 s, and an ejection of 2 s may have been over before it" in verdict.reason


def test_too_short_a_stretch_is_inconclusive(judged: Judge) -> None:
    def shortened(proxy: SimulatedProxy) -> None:
        settled = next(mark for mark in proxy.marks if mark.name == "settled")
        proxy.marks[-1] = Mark("still", settled.at, {"still": settled.at + 0.1})

    verdict = judged(SPECIFIED, SimulatedProxy(SPECIFIED, 3), shortened)
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "hosts came back before" in verdict.reason


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (None, "no outlierDetection is specified"),
        (replace(SPECIFIED, base_ejection_time=180.0), "give the rule a shorter baseEjectionTime"),
    ],
)
def test_what_cannot_be_shown_is_inconclusive(judged: Judge, rule: Ejection | None, words: str) -> None:
    verdict = judged(rule, SimulatedProxy(rule or SPECIFIED, 3))
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert words in verdict.reason


@pytest.mark.parametrize(
    ("times", "told"), [(("2 s",), "2 s"), (("2 s", "4 s"), "2 s and 4 s"), (("2 s", "4 s", "6 s"), "2 s, 4 s and 6 s")]
)
def test_several_ejections_are_told_as_a_list(times: tuple[str, ...], told: str) -> None:
    assert listed(times) == told
