"""The pacing of a circuit breaker on real Envoy: what runs otherwise than specified fails for the right reason."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from meshproof import ConnectionPool, Load, OutlierDetection, Scenario
from meshproof.border.verdict import Outcome, Precision
from meshproof.manifest import load
from meshproof.run.prepare import prepare, running
from meshproof.run.result import Result
from meshproof.run.session import Session
from meshproof.targets.embedded.target import EmbeddedTarget
from preloaded_client import Preloaded, forked

SERVICE = """\
apiVersion: v1
kind: Service
metadata: {name: httpbin}
spec:
  selector: {app: httpbin}
  ports: [{name: http, port: 8000, targetPort: 80}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: httpbin}
spec:
  replicas: REPLICAS
  selector: {matchLabels: {app: httpbin}}
  template:
    metadata: {labels: {app: httpbin}}
    spec: {containers: [{name: httpbin, image: docker.io/kennethreitz/httpbin, ports: [{containerPort: 80}]}]}
"""
RULE = """\
---
apiVersion: networking.istio.io/v1beta1
kind: DestinationRule
metadata: {name: httpbin}
spec:
  host: httpbin
  trafficPolicy: POLICY
"""
POOL = "{connectionPool: {tcp: {maxConnections: 2}, http: {http1MaxPendingRequests: 1, maxRequestsPerConnection: 2}}}"
OUTLIER = "{outlierDetection: {consecutive5xxErrors: 2, interval: 1s, baseEjectionTime: 2s, maxEjectionPercent: 100}}"
BOTH = f"{POOL[:-1]}, {OUTLIER[1:]}"
GET = "GET http://httpbin:8000/get"


class Driver:
    """One embedded target and one load generator for all tests of this module."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.runner = asyncio.Runner()
        self.session = Session(EmbeddedTarget(), folder, [])
        self.runner.run(self.session.open(["tests"], ["barrier"]))

    def drive(self, specified: str, applied: str, check: object, *, replicas: int = 1, users: int = 10) -> Result:
        """The result of a scenario that specifies one policy where another is in force."""
        service = SERVICE.replace("REPLICAS", str(replicas))
        for name, policy in (("specified", specified), ("applied", applied)):
            rule = RULE.replace("POLICY", policy) if policy else ""
            (self.folder / f"{name}.yaml").write_text(service + rule)
        scenario = Scenario("Breaker", "", ["specified.yaml"], Load("barrier", GET, users=users), [check])
        prepared = running(prepare(scenario, self.folder, Precision()), [load([str(self.folder / "applied.yaml")])])
        return self.runner.run(self.session.run(prepared))

    def close(self) -> None:
        self.runner.run(self.session.close())
        self.runner.close()


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory, preloaded: Preloaded) -> Iterator[Driver]:
    with forked(preloaded.path):
        opened = Driver(tmp_path_factory.mktemp("breaker"))
    try:
        yield opened
    finally:
        opened.close()


@pytest.mark.parametrize(
    ("applied", "words"),
    [
        (POOL, ""),
        (POOL.replace("maxConnections: 2", "maxConnections: 3"), "of 3 requests at once 3 reached the pod"),
        (POOL.replace("maxConnections: 2", "maxConnections: 1"), "of 2 requests at once 1 reached the pod"),
        (POOL.replace("PendingRequests: 1", "PendingRequests: 2"), "of 4 requests at once 2 reached the pod, 2 waited"),
        (POOL.replace("PerConnection: 2", "PerConnection: 3"), "0 connections were opened for request 3 in turn"),
        (POOL.replace(", maxRequestsPerConnection: 2", ""), "0 connections were opened for request 3 in turn"),
        ("", "0 connections were opened for request 3 in turn"),
    ],
)
def test_limits(driver: Driver, applied: str, words: str) -> None:
    result = driver.drive(POOL, applied, ConnectionPool(concurrent_users=(1, 5), requests=60))
    assert result.outcome is (Outcome.FAILED if words else Outcome.PASSED), result
    assert words in result.verdicts[0].reason


def test_a_refusal_ejects_no_host(driver: Driver) -> None:
    sensitive = BOTH.replace("consecutive5xxErrors: 2", "consecutive5xxErrors: 1")
    result = driver.drive(sensitive, sensitive, ConnectionPool(concurrent_users=(5,), requests=60))
    assert result.outcome is Outcome.PASSED, result
    # Each of the refused would have been the one error that it takes.
    assert any(step["refused"] for step in result.verdicts[0].evidence["steps"])


def test_several_replicas_are_not_decided(driver: Driver) -> None:
    result = driver.drive(POOL, POOL, ConnectionPool(), replicas=2)
    assert result.outcome is Outcome.INCONCLUSIVE
    assert "2 pods share its limits" in result.verdicts[0].reason


def test_too_few_users_are_an_error(driver: Driver) -> None:
    result = driver.drive(POOL, POOL, ConnectionPool(), users=3)
    assert result.outcome is Outcome.ERROR
    assert "7 requests at once need as many users, not 3" in result.reason


@pytest.mark.parametrize(
    ("applied", "words"),
    [
        ("consecutive5xxErrors: 3", "ejected after 3 errors (500) in a row; 2 are specified"),
        ("consecutive5xxErrors: 1", "ejected after 1 error (500) in a row; 2 are specified"),
        ("consecutive5xxErrors: 0", "12 errors (500) in a row did not eject a host; 2 should"),
    ],
)
def test_errors_before_an_ejection(driver: Driver, applied: str, words: str) -> None:
    wrong = OUTLIER.replace("consecutive5xxErrors: 2", applied).replace("baseEjectionTime: 2s", "baseEjectionTime: 60s")
    result = driver.drive(OUTLIER, wrong, OutlierDetection(), replicas=2)
    assert result.outcome is Outcome.FAILED, result
    assert words in str([verdict.reason for verdict in result.verdicts])


def test_a_percentage_that_allows_no_ejection(driver: Driver) -> None:
    """Of two hosts 10 percent are none: current Envoys eject no host then."""
    never = OUTLIER.replace("maxEjectionPercent: 100", "maxEjectionPercent: 10")
    result = driver.drive(never, never, OutlierDetection(), replicas=2)
    assert result.outcome is Outcome.PASSED, result
    result = driver.drive(never, OUTLIER, OutlierDetection(), replicas=2)
    assert "ejected after 2 errors (500) in a row that no detector counts" in result.verdicts[0].reason
