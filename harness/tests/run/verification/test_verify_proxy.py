"""What proxies do by themselves decides what of one's own manifests can be proved, and what is sent to prove it."""

from __future__ import annotations

from pathlib import Path

import pytest
from meshproof.border.prescription import prescription
from meshproof.border.verdict import Precision
from meshproof.run.verification.verification import Verification, prepare_verification

SHOP = """
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{name: http, port: 80}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template: {metadata: {labels: {app: web}}, spec: {containers: [{name: c, image: kennethreitz/httpbin}]}}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: web}
spec:
  hosts: [web]
  http:
"""


@pytest.fixture
def prepared(tmp_path: Path):
    def make(http: str) -> Verification:
        path = tmp_path / "shop.yaml"
        path.write_text(SHOP + http)
        return prepare_verification([str(path)], [], (), Precision())

    return make


def test_a_header_that_nobody_knows_costs_no_request(prepared) -> None:
    found = prepared("""
  - match: [{uri: {prefix: /get}}]
    headers: {request: {set: {x-at: "%START_TIME%"}}}
    route: [{destination: {host: web}}]
  - route: [{destination: {host: web}}]
""")
    assert not found.coverage.dependences
    (one,) = found.coverage.unproved
    assert (one.kind, one.subject, one.location.line) == ("headers", "VirtualService default/web", 21)
    # No request stands in its place: all of them are counted as proved.
    assert one.destination == one.subject
    assert "the value of x-at, '%START_TIME%', is not known beforehand, and nothing is held of it" in one.why
    sent = [str(expectation.request) for load in found.driven for expectation in load.plan.stages[0]]
    assert any(request.startswith("GET http://web/get") for request in sent)


def test_a_header_that_nobody_knows_is_told_where_it_is_applied_alone(tmp_path: Path) -> None:
    plain = "  - route: [{destination: {host: web}}]\n"
    both = tmp_path / "specified.yaml", tmp_path / "applied.yaml"
    added = '  - headers: {response: {set: {x-at: "%START_TIME%"}}}\n    route: [{destination: {host: web}}]\n'
    for path, rule in zip(both, (plain, added), strict=True):
        path.write_text(SHOP + rule)
    specified, applied = ([str(one)] for one in both)
    (one,) = prepare_verification(specified, applied, (), Precision()).coverage.unproved
    assert (one.kind, one.location.file) == ("headers", str(both[1]))


def test_a_header_that_envoy_refuses_costs_all_requests_of_its_proxies(prepared) -> None:
    found = prepared("""
  - match: [{uri: {prefix: /get}}]
    headers: {request: {set: {x-at: "%NO_SUCH_OPERATOR%"}}}
    route: [{destination: {host: web}}]
  - route: [{destination: {host: web}}]
""")
    first, *_ = found.coverage.dependences
    assert (first.subject, first.location.line, first.refused) == ("VirtualService default/web", 22, False)
    assert "'%NO_SUCH_OPERATOR%', has an operator that Envoy does not know" in first.why
    assert "GET http://web/get" in first.requests
    assert not [expectation for load in found.driven for expectation in load.plan.stages[0]]


def test_what_the_sample_does_not_know_is_asked_for_with_its_answer(prepared) -> None:
    found = prepared("  - match: [{uri: {prefix: /api}}]\n    route: [{destination: {host: web}}]\n")
    (sample,) = found.samples.load.send
    assert (sample.path, prescription(sample).status) == ("/api", 200)
    assert found.resilience is not None
    for request in found.resilience.load.send:
        assert [name for name, _ in request.headers].count("x-meshproof-answer") == 1


@pytest.mark.parametrize(
    ("retries", "sent", "said"),
    [
        ("{attempts: 2147483647, retryOn: 5xx}", False, "may take longer than the 30 s"),
        ("{attempts: 3, retryOn: 5xx}", True, ""),
        ("{attempts: 3, retryOn: 5xx, backoff: 20s}", False, "may take longer than the 30 s"),
    ],
)
def test_retries_that_nobody_can_wait_for_are_not_sent_and_are_not_proved(
    prepared, retries: str, sent: bool, said: str
) -> None:
    found = prepared(f"  - retries: {retries}\n    route: [{{destination: {{host: web}}}}]\n")
    asked = {prescription(request).status for request in found.resilience.load.send}
    assert (500 in asked) is sent
    assert 409 in asked
    told = [one.why for one in found.coverage.unproved if one.kind == "retries"]
    assert [said in one for one in told] == ([True] if said else [])


def test_requests_for_another_protocol_are_not_asked_for_slow_or_failing_answers(prepared) -> None:
    found = prepared("  - match: [{headers: {upgrade: {exact: websocket}}}]\n    route: [{destination: {host: web}}]\n")
    (sample,) = found.samples.load.send
    assert ("connection", "upgrade") in sample.headers
    assert found.resilience is None
    assert any("it asks for another protocol" in notice.message for notice in found.samples.notices)
