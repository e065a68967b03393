"""Where tries have a limit of their own, an answer that has begun shows the timeout of the whole request."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from meshproof.border.expectation import Arm, Expectation, Retries
from meshproof.border.prescription import Prescription, prescription
from meshproof.border.request import parse
from meshproof.border.verdict import Outcome, Precision, Verdict
from meshproof.errors import Location
from meshproof.run.prepare import Prepared
from meshproof.run.verification.asked_answers import LONGEST, LONGEST_BEGUN, MARGIN, Asking, asking
from meshproof.run.verification.verification import prepare_verification
from meshproof.scenario import Plan

HERE = Location("rule.yaml", 3, 1)
Driven = Callable[[Path, Sequence[Prepared]], list[list[Verdict]]]
TRIES = Retries(2, 1.0, "5xx", HERE)


def expectation(**fields: Any) -> Expectation:
    arm = Arm("shop.default", Fraction(1), frozenset({"default/shop"}), HERE)
    return Expectation(parse("GET http://shop/"), arms=(arm,), **fields)


def plan(one: Expectation, applied: Expectation | None = None) -> Plan:
    return Plan("verify", ((one,),), Precision(), applied=((applied,),) if applied else ())


def begun(found: Asking) -> list[Prescription]:
    return [said for one in found.slow if (said := prescription(one)) and said.begun]


@pytest.mark.parametrize("timeout", [3.0, 10.0, LONGEST_BEGUN])
def test_it_goes_on_for_longer_than_the_timeout(timeout: float) -> None:
    found = asking(plan(expectation(timeout=timeout, retries=TRIES)), proxyless=True)
    assert begun(found) == [Prescription(200, timeout + MARGIN, begun=True)]
    assert not found.untold
    assert found.timeout > timeout + MARGIN


def test_a_timeout_that_is_too_long_to_be_waited_for_is_not_proved() -> None:
    made = plan(expectation(timeout=40.0, retries=TRIES))
    found = asking(made, proxyless=True)
    assert begun(found) == []
    assert [(one.kind, one.stated) for one in found.untold] == [("timeout", True)]
    assert found.untold[0].why == "its limit of 40 s is not waited for, and its tries end before"
    assert begun(asking(made, proxyless=True, thorough=True)) == [Prescription(200, 41.0, begun=True)]


@pytest.mark.parametrize("limit", [None, 1.0])
def test_without_a_limit_of_each_try_a_slow_answer_shows_it(limit: float | None) -> None:
    own = replace(TRIES, per_try_timeout=limit)
    made = plan(expectation(timeout=1.0, retries=own))
    assert begun(asking(made, proxyless=True)) == []


def test_a_timeout_that_is_applied_and_not_specified_is_waited_for() -> None:
    specified, applied = (expectation(timeout=timeout, retries=TRIES) for timeout in (None, 8.0))
    assert begun(asking(plan(specified), proxyless=True)) == [Prescription(200, LONGEST, begun=True)]
    assert begun(asking(plan(specified, applied), proxyless=True)) == [Prescription(200, 8.0 + MARGIN, begun=True)]


def test_an_intent_on_the_time_of_an_answer_needs_none() -> None:
    found = asking(plan(expectation(timeout=40.0, retries=TRIES)), proxyless=True, whole=False)
    assert begun(found) == []
    assert not found.untold


def test_what_has_no_body_shows_nothing_of_it() -> None:
    one = expectation(timeout=3.0, retries=TRIES)
    found = asking(plan(replace(one, request=replace(one.request, method="HEAD"))), proxyless=True)
    assert begun(found) == []
    assert "no body that could be cut off" in found.untold[0].why


SHOP = """\
apiVersion: v1
kind: Service
metadata: {name: shop}
spec: {selector: {app: shop}, ports: [{name: http, port: 80, targetPort: 8080}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: shop}
spec:
  selector: {matchLabels: {app: shop}}
  template:
    metadata: {labels: {app: shop}}
    spec: {containers: [{name: shop, image: example/shop:1, ports: [{containerPort: 8080}]}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: shop}
spec:
  hosts: [shop]
  http:
  - timeout: 2s
    retries: {attempts: 1, perTryTimeout: 300ms, retryOn: 5xx}
    route: [{destination: {host: shop}}]
"""


def test_a_timeout_that_tries_hide_is_missed_where_it_is_not_applied(tmp_path: Path, driven: Driven) -> None:
    (tmp_path / "shop.yaml").write_text(SHOP)
    loads = []
    for name, timeout in (("right", "2s"), ("longer", "10s"), ("none", "")):
        (tmp_path / name).mkdir()
        text = SHOP.replace("timeout: 2s\n    ", f"timeout: {timeout}\n    " if timeout else "")
        (tmp_path / name / "shop.yaml").write_text(text)
        found = prepare_verification([str(tmp_path / "shop.yaml")], [str(tmp_path / name)], (), Precision()).resilience
        assert found is not None
        loads.append(found)
    seen = [{one.check: one.outcome for one in verdicts} for verdicts in driven(tmp_path, loads)]
    right = {"Timeout": Outcome.PASSED, "Retries": Outcome.PASSED}
    wrong = right | {"Timeout": Outcome.FAILED}
    assert seen == [right, wrong, wrong]
