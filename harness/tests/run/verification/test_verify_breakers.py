"""The policies of one's own DestinationRules are proved by loads of their own; the other loads stay below them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from meshproof.border.verdict import Outcome
from meshproof.mesh.model.destination_rule import ConnectionPool
from meshproof.run.verification.breakers import loads
from meshproof.run.verification.verification import Verification, prepare_verification
from meshproof.suite import folder
from sure import SURE

HTTPBIN = (folder("scenarios") / "breaker" / "httpbin.yaml").read_text()
RULE = """
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {{name: httpbin}}
spec:
  host: httpbin
  trafficPolicy:
    {policy}
"""
CANARY = """
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: shop}
spec:
  hosts: [shop]
  http:
  - fault: {delay: {fixedDelay: 0.1s, percentage: {value: 10}}}
    timeout: 5s
    retries: {attempts: 3, perTryTimeout: 2s}
    mirror: {host: shop, subset: c}
    route:
    - {destination: {host: shop, subset: a}, weight: 90}
    - {destination: {host: shop, subset: b}, weight: 10}
"""
RETRIED = """
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: httpbin}
spec:
  hosts: [httpbin]
  http: [{retries: {attempts: 1, retryOn: 5xx}, route: [{destination: {host: httpbin}}]}]
"""
SHOP = """
---
apiVersion: v1
kind: Service
metadata: {name: shop}
spec: {selector: {app: shop}, ports: [{name: http, port: 80, targetPort: 8080}]}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: shop}
spec:
  host: shop
  trafficPolicy: {connectionPool: {tcp: {maxConnections: 2}, http: {http1MaxPendingRequests: 1}}}
  subsets:
  - {name: a, labels: {version: a}}
  - name: b
    labels: {version: b}
    trafficPolicy: {outlierDetection: {consecutive5xxErrors: 2, interval: 1s, baseEjectionTime: 2s}}
  - {name: c, labels: {version: c}}
"""
POD = """
---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: shop-{version}}}
spec:
  replicas: {replicas}
  selector: {{matchLabels: {{app: shop, version: {version}}}}}
  template:
    metadata: {{labels: {{app: shop, version: {version}}}}}
    spec: {{containers: [{{name: shop, image: "registry.example/shop", ports: [{{containerPort: 8080}}]}}]}}
"""
SHOP += "".join(POD.format(version=version, replicas=replicas) for version, replicas in (("a", 3), ("b", 2), ("c", 1)))
Prepare = Callable[..., Verification]


@pytest.fixture
def prepared(tmp_path: Path) -> Prepare:
    def make(policy: str, **options: object) -> Verification:
        (tmp_path / "mesh.yaml").write_text(HTTPBIN + RULE.format(policy=policy))
        return prepare_verification([str(tmp_path / "mesh.yaml")], [], (), SURE, **options)

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
def test_no_more_requests_are_under_way_than_may_wait(prepared: Prepare, pool: str, users: int) -> None:
    one = prepared(f"connectionPool: {{{pool}}}")
    assert one.samples is not None
    assert one.samples.load.users == users
    assert one.boundaries is None or one.boundaries.load.users <= users
    # Timeouts and retries are those of rules: they are shown where no policy refuses requests meanwhile.
    assert one.resilience is not None
    assert one.resilience.load.users == 16
    (rule,) = one.resilience.stages[0].mesh.destination_rules
    assert rule.policy.connection_pool == ConnectionPool()
    assert not any("not verified" in str(notice) for notice in one.samples.notices)


def policies(one: Verification) -> list[str]:
    """The loads that prove policies."""
    return [load.name for load in one.others]


def test_without_a_policy_there_is_nothing_to_prove_and_nothing_held_back(prepared: Prepare) -> None:
    one = prepared("loadBalancer: {simple: RANDOM}")
    assert one.samples is not None
    assert one.samples.load.users == 8
    assert policies(one) == []
    assert one.coverage.unproved == ()


def test_a_budget_of_retries_is_shown_where_a_rule_retries_a_status(prepared: Prepare) -> None:
    (unproved,) = prepared("retryBudget: {percent: 20}").coverage.unproved
    assert (unproved.kind, "only where a route retries a status" in unproved.why) == ("retryBudget", True)
    retried = "retryBudget: {percent: 20}" + RETRIED
    (load,) = prepared(retried).others
    assert (load.name, load.load.users) == ("RetryBudget httpbin.default", 29)
    # Retries of other loads are shown where no budget limits them.
    resilience = prepared(retried).resilience
    assert resilience is not None
    assert all(rule.policy.retry_budget is None for rule in resilience.stages[0].mesh.destination_rules)


def test_what_is_applied_from_other_files_keeps_the_retries_of_its_own_rules(tmp_path: Path) -> None:
    for name in ("specified", "applied"):
        text = HTTPBIN + RULE.format(policy="connectionPool: {http: {maxRetries: 2}}") + RETRIED
        (tmp_path / f"{name}.yaml").write_text(text)
    specified, applied = (str(tmp_path / f"{name}.yaml") for name in ("specified", "applied"))
    one = prepare_verification([specified], [applied], (), SURE)
    (load,) = one.others
    # What runs is what is applied.
    (rule,) = load.stages[0].mesh.virtual_services
    assert rule.location.file == applied
    assert rule.http[0].retries is not None


@pytest.mark.parametrize(
    ("policy", "why"),
    [
        ("connectionPool: {tcp: {maxConnections: 1000}}", "1000 requests at once are more than the 60"),
        ("connectionPool: {tcp: {connectTimeout: 10s}}", "a connectTimeout of 10 s is longer than the 3 s waited for"),
        ("connectionPool: {http: {maxRequestsPerConnection: 500}}", "500 is more than the 250 requests"),
        ("connectionPool: {http: {idleTimeout: 1m}}", "an idleTimeout of 60 s is not shown"),
        ("outlierDetection: {consecutive5xxErrors: 5}", "it would take about"),
    ],
)
def test_what_takes_too_long_is_unproved_unless_it_is_to_be_thorough(prepared: Prepare, policy: str, why: str) -> None:
    one = prepared(policy)
    assert policies(one) == []
    (unproved,) = one.coverage.unproved
    assert why in unproved.why
    assert "--thorough" in unproved.why
    assert (unproved.subject, unproved.destination) == ("DestinationRule default/httpbin", "httpbin.default")
    assert not unproved.allowed
    assert len(policies(prepared(policy, thorough=True))) == 1
    kind = policy.partition(":")[0]
    assert prepared(policy, allowed=frozenset({kind})).coverage.unproved[0].allowed


@pytest.mark.parametrize("options", [{"proxyless": False}, {"probed": False}])
def test_where_a_proxy_stands_before_the_pods_it_is_unproved(prepared: Prepare, options: dict[str, bool]) -> None:
    one = prepared("connectionPool: {tcp: {maxConnections: 1}}", **options)
    assert policies(one) == []
    assert "the embedded mesh shows it" in one.coverage.unproved[0].why


def test_each_policy_of_each_destination_is_proved_alone_whatever_its_rule_does_besides(tmp_path: Path) -> None:
    (tmp_path / "shop.yaml").write_text(SHOP + CANARY)
    found = prepare_verification([str(tmp_path / "shop.yaml")], [], (), SURE)
    assert policies(found) == [
        "ConnectionPool shop.default a",
        "ConnectionPool shop.default b",
        "OutlierDetection shop.default b",
        "ConnectionPool shop.default c",
    ]
    assert found.coverage.unproved == ()
    for load in found.others:
        (expected,) = load.plan.stages[0]
        (arm,) = expected.arms
        assert arm.destination == load.name.partition(" ")[2].replace(" ", "/")
        assert (expected.abort, expected.delay, expected.copies, expected.timeout) == (None, None, (), None)
        # Requests are held for as long as the machine takes: no try of one may end meanwhile.
        assert expected.retries is not None
        assert (expected.retries.attempts, expected.retries.per_try_timeout) == (3, None)
        hosts = [one for one in load.stages[0].mesh.workloads if one.replicas]
        # Ten percent of ten hosts may be ejected, of two none.
        assert sum(one.replicas for one in hosts) == (10 if load.name.startswith("Outlier") else 1)
    # α is divided among all drawn shares, those of the ejection included.
    assert {load.plan.drawn for load in found.driven} == {found.samples.plan.drawn if found.samples else 0}


def test_more_policies_than_there_is_time_for_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loads, "MOST_POLICIES", 4)
    several = 7
    names = [f"shop{number}" for number in range(several)]
    parts = [SHOP.replace("shop", name).partition("  subsets:") for name in names]
    text = "".join(
        f"{before}{POD.format(version='a', replicas=1).replace('shop', name)}"
        for name, (before, _, _) in zip(names, parts, strict=True)
    )
    (tmp_path / "mesh.yaml").write_text(text)
    found = prepare_verification([str(tmp_path / "mesh.yaml")], [], (), SURE)
    assert len(found.others) == 4
    assert len(found.coverage.unproved) == 3
    assert len(prepare_verification([str(tmp_path / "mesh.yaml")], [], (), SURE, thorough=True).others) == several


DRIFTS = (
    (
        "connectionPool: {tcp: {maxConnections: 2}, http: {http1MaxPendingRequests: 2}}",
        "maxConnections: 2",
        "maxConnections: 3",
    ),
    (
        "connectionPool: {tcp: {maxConnections: 3}}",
        "connectionPool: {tcp: {maxConnections: 3}}",
        "loadBalancer: {simple: RANDOM}",
    ),
    ("connectionPool: {http: {maxRequestsPerConnection: 4}}", "4", "5"),
    (
        "outlierDetection: {consecutive5xxErrors: 2, interval: 1s, baseEjectionTime: 2s, maxEjectionPercent: 100}",
        "Errors: 2",
        "Errors: 3",
    ),
)


@pytest.mark.parametrize(
    "drifts",
    [
        pytest.param((DRIFTS[0], DRIFTS[3]), id="a pool and an ejection"),
        pytest.param(DRIFTS[1:3], id="others", marks=pytest.mark.long),
    ],
)
def test_a_policy_that_runs_otherwise_is_failed_and_the_specified_one_passes(tmp_path: Path, driven, drifts) -> None:
    several = []
    for number, (policy, part, other) in enumerate(drifts):
        spec, applied = tmp_path / f"{number}.yaml", tmp_path / f"{number}-applied.yaml"
        spec.write_text(HTTPBIN + RULE.format(policy=policy))
        applied.write_text(HTTPBIN + RULE.format(policy=policy.replace(part, other)))
        for running in (spec, applied):
            (load,) = prepare_verification([str(spec)], [str(running)], (), SURE).others
            several.append(load)
    outcomes = [[verdict.outcome for verdict in verdicts] for verdicts in driven(tmp_path, several)]
    assert outcomes == [[Outcome.PASSED], [Outcome.FAILED]] * len(drifts)


def test_a_warm_up_is_shown_by_a_pod_that_joins_another(prepared: Prepare) -> None:
    one = prepared("loadBalancer: {warmup: {duration: 5s}}")
    (load,) = one.others
    assert (load.name, load.load.shape) == ("WarmUp httpbin.default", "warmup")
    before, after = (stage.mesh.workloads for stage in load.stages)
    assert [pod.name for pod in after if pod not in before] == ["httpbin-new"]
    assert [pod.replicas for pod in before] == [1]
    assert one.coverage.unproved == ()


@pytest.mark.parametrize(
    ("warmup", "why"),
    [
        ("{duration: 40s}", "about 92 s"),
        ("{duration: 1s}", "too short to be seen"),
        ("{duration: 5s, minimumPercent: 0}", "waits for its first request longer"),
    ],
)
def test_a_warm_up_that_is_not_shown_is_told_with_its_line(prepared: Prepare, warmup: str, why: str) -> None:
    one = prepared(f"loadBalancer: {{warmup: {warmup}}}")
    (unproved,) = one.coverage.unproved
    assert (unproved.kind, why in unproved.why) == ("warmup", True)
    assert unproved.location is not None
    assert policies(one) == []
    thorough = prepared(f"loadBalancer: {{warmup: {warmup}}}", thorough=True)
    assert bool(policies(thorough)) == ("40s" in warmup)
