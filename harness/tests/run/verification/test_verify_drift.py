"""Timeouts and retries that run and are not specified, or are specified and do not run, on real Envoys.

What one's own manifests are verified with is put to the proof as `meshproof selfcheck` does it with scenarios: each
of many applied routes must be failed, and the specified one must pass.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from meshproof.border.verdict import Outcome
from meshproof.manifest import load
from meshproof.report.selfcheck.record import Judged, MutantStatus, Unmutated
from meshproof.run.options import Options
from meshproof.run.prepare import Prepared, running
from meshproof.run.selfcheck.drive import SelfCheck
from meshproof.run.selfcheck.mutants import Case
from meshproof.run.verification.verification import prepare_verification
from meshproof.suite import folder
from meshproof.targets.embedded.target import EmbeddedTarget
from sure import SURE

HTTPBIN = (folder("scenarios") / "fault" / "httpbin.yaml").read_text()
ROUTE = """---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: httpbin}
spec:
  hosts: [httpbin]
  http:
    - route: [{destination: {host: httpbin}}]
"""
RULE = """---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: httpbin}
spec:
  host: httpbin
  trafficPolicy: {outlierDetection: {consecutive5xxErrors: 1, maxEjectionPercent: 100}}
"""


@dataclass(frozen=True)
class Drift:
    """What is specified of the route, and what is applied instead: each of those must be failed."""

    name: str
    specified: str
    applied: Sequence[str]
    proxyless: bool = True
    rest: str = ""


def tries(rule: str) -> str:
    return f"      retries: {{{rule}}}\n"


def whole(seconds: str) -> str:
    return f"      timeout: {seconds}\n"


DRIFTS = (
    Drift(
        "nothing",
        "",
        (
            whole("0.4s"),
            whole("3s"),
            whole("1h"),
            tries("attempts: 0"),
            tries("attempts: 1"),
            tries("attempts: 3"),
            tries("attempts: 2, retryOn: 5xx"),
            tries("attempts: 2, retryOn: 'gateway-error,connect-failure,refused-stream'"),
            tries("attempts: 2, retryOn: 'connect-failure,refused-stream,unavailable,cancelled,429'"),
            tries("attempts: 2, retryOn: 'connect-failure,refused-stream,unavailable,cancelled,retriable-4xx'"),
            tries("attempts: 2, perTryTimeout: 2s"),
        ),
    ),
    Drift("a timeout", whole("2s"), ("", whole("1s"), whole("4s"), whole("2.1s"))),
    Drift("a long timeout", whole("60s"), ("", whole("30s"), whole("0.5s"))),
    Drift(
        "retries",
        tries("attempts: 2, retryOn: '5xx,418', perTryTimeout: 0.5s"),
        (
            "",
            tries("attempts: 2, retryOn: '5xx,418'"),
            tries("attempts: 2, retryOn: '5xx,418', perTryTimeout: 1s"),
            tries("attempts: 1, retryOn: '5xx,418', perTryTimeout: 0.5s"),
            tries("attempts: 2, retryOn: '5xx', perTryTimeout: 0.5s"),
            tries("attempts: 2, retryOn: 'gateway-error,418', perTryTimeout: 0.5s"),
            tries("attempts: 2, retryOn: '5xx,418', perTryTimeout: 0.5s") + whole("1.2s"),
        ),
    ),
    Drift(
        "where a proxy beside the pod hides what it is told",
        whole("1s"),
        ("", whole("0.8s"), whole("3s"), tries("attempts: 2, retryOn: 5xx") + whole("1s")),
        proxyless=False,
    ),
    Drift("where outlier detection watches", "", (whole("0.5s"), tries("attempts: 3")), rest=RULE),
)


def written(place: Path, route: str, rest: str) -> str:
    place.write_text(f"{HTTPBIN}{ROUTE}{route}{rest}")
    return str(place)


def cases(place: Path, number: int, drift: Drift) -> tuple[Prepared, list[Case]]:
    spec = written(place / f"{number}.yaml", drift.specified, drift.rest)
    found = prepare_verification([spec], [], (), SURE, proxyless=drift.proxyless).resilience
    assert found is not None
    several = []
    for one, route in enumerate(drift.applied):
        applied = load([written(place / f"{number}-{one}.yaml", route, drift.rest)])
        judged = Judged(drift.name, 0, "drift", "", route.strip() or "nothing")
        several.append(Case(judged, running(found, [applied])))
    return found, several


@pytest.mark.long
@pytest.mark.usefixtures("preloaded_forks")
@pytest.mark.parametrize(
    "drifts",
    [
        pytest.param([one for one in DRIFTS if one.name == "retries"], id="retries"),
        pytest.param([one for one in DRIFTS if one.name != "retries"], id="others", marks=pytest.mark.long),
    ],
)
def test_every_drift_is_failed_and_what_is_specified_passes(tmp_path: Path, drifts: Sequence[Drift]) -> None:
    told: list[Judged | Unmutated] = []
    plain, several = [], []
    for number, drift in enumerate(drifts):
        found, own = cases(tmp_path, number, drift)
        plain.append(found)
        several += own

    async def run() -> None:
        check = SelfCheck(EmbeddedTarget({}), tmp_path, Options(), told.append)
        try:
            await check.open(["steady"])
            await check.run(plain, several)
        finally:
            await check.close()

    asyncio.run(run())
    asis = [one for one in told if isinstance(one, Unmutated)]
    assert [(one.outcome, one.reason) for one in asis] == [(Outcome.PASSED, "")] * len(drifts)
    survivors = [
        (one.scenario, one.what, one.reason)
        for one in told
        if isinstance(one, Judged) and one.status is not MutantStatus.KILLED
    ]
    assert survivors == []
    assert sum(isinstance(one, Judged) for one in told) == len(several)


@pytest.mark.parametrize(
    ("route", "rest", "kind", "told"),
    [
        (whole("60s"), "", "timeout", "its limit of 60 s is not waited for: it is seen to be no shorter than 5 s"),
        (
            tries("attempts: 3, perTryTimeout: 60s"),
            "",
            "retries",
            "its limit of 60 s is not waited for: it is seen to be no shorter than 5 s",
        ),
        (tries("attempts: 3"), RULE, "retries", "errors are not tried: outlier detection would take its pods away"),
        (
            tries("attempts: 3"),
            RULE.replace(
                "outlierDetection: {consecutive5xxErrors: 1, maxEjectionPercent: 100}",
                "connectionPool: {http: {maxRetries: 1}}",
            ),
            "retries",
            "so few requests may be under way at once",
        ),
    ],
)
def test_what_a_rule_states_and_nothing_shows_is_not_proved(
    tmp_path: Path, route: str, rest: str, kind: str, told: str
) -> None:
    spec = written(tmp_path / "mesh.yaml", route, rest)
    found = prepare_verification([spec], [], (), SURE, proxyless=False)
    (one,) = [one for one in found.coverage.unproved if one.kind == kind]
    assert (one.location.file, one.subject, one.why) == (spec, "VirtualService default/httpbin", told)
    assert not one.allowed
    permitted = prepare_verification([spec], [], (), SURE, proxyless=False, allowed=frozenset({kind}))
    assert [one.allowed for one in permitted.coverage.unproved if one.kind == kind] == [True]


@pytest.mark.parametrize(
    ("route", "rest", "told"),
    [
        (whole("0.1s"), "", "its limit of 0.1 s leaves no time to show retries"),
        ("", RULE, "errors are not tried: outlier detection would take its pods away"),
    ],
)
def test_what_is_not_shown_of_istio_s_defaults_is_said(tmp_path: Path, route: str, rest: str, told: str) -> None:
    spec = written(tmp_path / "mesh.yaml", route, rest)
    found = prepare_verification([spec], [], (), SURE, proxyless=False)
    assert found.samples is not None
    (notice,) = [one for one in found.samples.notices if told in one.message]
    assert notice.location.file == spec
    assert not [one for one in found.coverage.unproved if one.kind == "retries"]


def test_a_limit_of_a_minute_is_waited_for_where_nothing_is_to_be_left_out(tmp_path: Path) -> None:
    spec = written(tmp_path / "mesh.yaml", whole("60s"), "")
    found = prepare_verification([spec], [], (), SURE, proxyless=False, thorough=True)
    assert not found.coverage.unproved


@pytest.mark.parametrize(
    "fault", ["fault: {abort: {httpStatus: 500, percentage: {value: 100}}}", "directResponse: {status: 200}"]
)
def test_where_no_pod_answers_there_is_nothing_to_be_tried(tmp_path: Path, fault: str) -> None:
    text = f"      {fault}\n"
    place = tmp_path / "mesh.yaml"
    place.write_text(
        f"{HTTPBIN}{ROUTE}{text}".replace("    - route: [{destination: {host: httpbin}}]\n      direct", "    - direct")
    )
    found = prepare_verification([str(place)], [], (), SURE)
    assert found.samples is not None
    assert found.samples.notices == ()
    assert found.resilience is None
