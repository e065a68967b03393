"""A verification's load stays below the circuit breakers that it meets, and says what of them it does not verify."""

from __future__ import annotations

from pathlib import Path

import pytest
from meshproof.border.verdict import Precision
from meshproof.run.verification.verification import Verification, prepare_verification
from meshproof.suite import folder

RULE = """
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {{name: httpbin}}
spec:
  host: httpbin
  trafficPolicy:
    {policy}
"""


@pytest.fixture
def prepared(tmp_path: Path):
    def make(policy: str) -> Verification:
        httpbin = (folder("scenarios") / "breaker" / "httpbin.yaml").read_text()
        (tmp_path / "mesh.yaml").write_text(f"{httpbin}\n---\n{RULE.format(policy=policy)}")
        return prepare_verification([str(tmp_path / "mesh.yaml")], [], (), Precision())

    return make


@pytest.mark.parametrize(
    ("pool", "users"),
    [
        ("tcp: {maxConnections: 1}, http: {http1MaxPendingRequests: 1}", 1),
        ("tcp: {maxConnections: 10}, http: {http1MaxPendingRequests: 6}", 6),
        ("http: {http2MaxRequests: 3}", 3),
        ("tcp: {maxConnections: 2}", 8),
    ],
)
def test_no_more_requests_are_under_way_than_may_wait(prepared, pool, users) -> None:
    one = prepared(f"connectionPool: {{{pool}}}")
    assert one.samples.load.users == users
    assert any("connectionPool is not verified" in str(notice) for notice in one.samples.notices)
    assert all(load.load.users <= users for load in one.driven)


def test_without_a_pool_nothing_is_held_back_or_said(prepared) -> None:
    one = prepared("loadBalancer: {simple: RANDOM}")
    assert one.samples.load.users == 8
    assert not any("not verified" in str(notice) for notice in one.samples.notices)


def test_ejections_are_said_not_to_be_verified(prepared) -> None:
    one = prepared("outlierDetection: {consecutive5xxErrors: 3}")
    assert any("outlierDetection is not verified" in str(notice) for notice in one.samples.notices)
