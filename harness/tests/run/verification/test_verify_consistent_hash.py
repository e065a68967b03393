"""Hashed choices of one's own manifests, on real Envoys: what is specified passes, and each drift from it is failed."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from meshproof.border.request import HashKey, parse
from meshproof.border.verdict import Outcome
from meshproof.manifest import load
from meshproof.report.selfcheck.record import Judged, MutantStatus, Unmutated
from meshproof.run.options import Options
from meshproof.run.prepare import Prepared, running
from meshproof.run.selfcheck.drive import SelfCheck
from meshproof.run.selfcheck.mutants import Case
from meshproof.run.verification.hashed_requests import keyed
from meshproof.run.verification.verification import Verification, prepare_verification
from meshproof.targets.embedded.target import EmbeddedTarget
from sure import SURE

PODS = """\
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  selector: {app: web}
  ports: [{name: http, port: 80, targetPort: 8080}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web-v1}
spec:
  replicas: REPLICAS
  selector: {matchLabels: {app: web, version: v1}}
  template:
    metadata: {labels: {app: web, version: v1}}
    spec: {containers: [{name: c, image: example/web, ports: [{containerPort: 8080}]}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web-v2}
spec:
  replicas: REPLICAS
  selector: {matchLabels: {app: web, version: v2}}
  template:
    metadata: {labels: {app: web, version: v2}}
    spec: {containers: [{name: c, image: example/web, ports: [{containerPort: 8080}]}]}
---
"""
RULE = """\
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: web}
spec:
  host: web
  trafficPolicy: {loadBalancer: {BALANCER}}
  subsets:
  - {name: v1, labels: {version: v1}}
  - {name: v2, labels: {version: v2}}
---
"""
SPLIT = """\
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: web}
spec:
  hosts: [web]
  http:
  - route:
    - {destination: {host: web, subset: v1}, weight: 80}
    - {destination: {host: web, subset: v2}, weight: 20}
---
"""
HEADER = "consistentHash: {httpHeaderName: x-user}"
COOKIE = "consistentHash: {httpCookie: {name: user, ttl: 300s}}"
QUERY = "consistentHash: {httpQueryParameterName: user}"
SOURCE = "consistentHash: {useSourceIp: true}"
PLAIN = ("simple: LEAST_REQUEST", "simple: ROUND_ROBIN", "simple: RANDOM")


def written(place: Path, balancer: str, rest: str = "", replicas: int = 2) -> str:
    place.write_text(PODS.replace("REPLICAS", str(replicas)) + RULE.replace("BALANCER", balancer) + rest)
    return str(place)


def verification(spec: str, *requests: str) -> Verification:
    return prepare_verification([spec], [], [parse(one) for one in requests], SURE)


def hashed(spec: str) -> Prepared | None:
    return next((one for one in verification(spec).driven if one.name == "consistent-hash"), None)


DRIFTS = (
    (HEADER, "", 2, (*PLAIN, HEADER.replace("x-user", "x-other"), SOURCE, COOKIE, QUERY, "consistentHash: {}")),
    (HEADER, SPLIT, 2, (*PLAIN, SOURCE)),
    (COOKIE, "", 2, (*PLAIN, COOKIE.replace("300s", "30s"), COOKIE.replace(", ttl: 300s", ""), HEADER)),
    (COOKIE, SPLIT, 1, (*PLAIN, COOKIE.replace("user", "other"), HEADER)),
    (QUERY, SPLIT, 2, (PLAIN[0], QUERY.replace("user", "other"))),
    (SOURCE, "", 2, (*PLAIN, HEADER)),
)


@pytest.mark.usefixtures("preloaded_forks")
@pytest.mark.parametrize(
    "several_drifts",
    [
        pytest.param(DRIFTS[3:4], id="a cookie's, split"),
        pytest.param(DRIFTS[:3] + DRIFTS[4:], id="others", marks=pytest.mark.long),
    ],
)
def test_every_drift_is_failed_and_what_is_specified_passes(
    tmp_path: Path, several_drifts: tuple[tuple[str, str, int, tuple[str, ...]], ...]
) -> None:
    told: list[Judged | Unmutated] = []
    plain, several = [], []
    for number, (balancer, rest, replicas, drifts) in enumerate(several_drifts):
        found = hashed(written(tmp_path / f"{number}.yaml", balancer, rest, replicas))
        assert found is not None
        plain.append(found)
        for at, drift in enumerate(drifts):
            applied = load([written(tmp_path / f"{number}-{at}.yaml", drift, rest, replicas)])
            several.append(Case(Judged(balancer, 0, "drift", "", drift), running(found, [applied])))

    async def run() -> None:
        check = SelfCheck(EmbeddedTarget({}), tmp_path, Options(), told.append)
        try:
            await check.open(["steady"])
            await check.run(plain, several)
        finally:
            await check.close()

    asyncio.run(run())
    asis = [one for one in told if isinstance(one, Unmutated)]
    assert [(one.outcome, one.reason) for one in asis] == [(Outcome.PASSED, "")] * len(several_drifts)
    judged = [one for one in told if isinstance(one, Judged)]
    assert [(one.scenario, one.what, one.reason) for one in judged if one.status is not MutantStatus.KILLED] == []
    assert len(judged) == len(several)


def test_a_lone_pod_is_said_to_show_nothing(tmp_path: Path) -> None:
    found = verification(written(tmp_path / "mesh.yaml", HEADER, SPLIT, 1))
    assert "consistent-hash" not in [one.name for one in found.driven]
    assert "one pod stands behind web.default/v1" in str(found.samples.notices)
    assert "one pod" not in str(verification(written(tmp_path / "two.yaml", HEADER, SPLIT)).samples.notices)


def test_a_request_that_a_person_names_is_sent_with_many_keys(tmp_path: Path) -> None:
    found = verification(written(tmp_path / "mesh.yaml", HEADER), "GET http://web/cart a:b")
    (load_,) = [one.load for one in found.driven if one.name == "consistent-hash"]
    several = [dict(one.headers) for one in load_.requests]
    assert {one.path for one in load_.requests} == {"/cart"}
    assert all(one["a"] == "b" for one in several)
    assert len({one.get("x-user") for one in several}) == 42


def test_keys_that_another_rule_takes_are_not_sent(tmp_path: Path) -> None:
    rule = SPLIT.replace("- route:", "- match: [{headers: {x-user: {exact: one}}}]\n    route:")
    found = hashed(written(tmp_path / "mesh.yaml", HEADER, rule))
    assert found is not None
    by_route = {one.route.line if one.route else 0 for one in found.plan.stages[0]}
    users = [dict(one.request.headers).get("x-user") for one in found.plan.stages[0]]
    assert (len(by_route), users.count("one")) == (1, 1)
    assert len(users) == 1


@pytest.mark.parametrize(
    ("key", "text", "expected"),
    [
        (HashKey("header", "x-user"), "http://web/ x-user:a b:c", "http://web/ b:c x-user:v"),
        (HashKey("cookie", "user"), "http://web/ cookie:a=b;user=c", "http://web/ 'cookie:a=b; user=v'"),
        (HashKey("query parameter", "user"), "http://web/?a=b&user=c", "http://web/?a=b&user=v"),
        (HashKey("query parameter", "user"), "http://web/a", "http://web/a?user=v"),
        (HashKey("source IP"), "http://web/", "http://web/"),
        (HashKey("header", ":path"), "http://web/", "http://web/"),
    ],
)
def test_a_request_is_given_a_key(key: HashKey, text: str, expected: str) -> None:
    assert keyed(parse(text), [key], "v") == parse(expected)


@pytest.mark.parametrize(("balancer", "told"), [(SOURCE, True), (COOKIE, True), (HEADER, False)])
def test_ejection_is_not_shown_where_one_client_always_gets_one_pod(tmp_path: Path, balancer: str, told: bool) -> None:
    rule = f"{balancer}}}, outlierDetection: {{consecutive5xxErrors: 1, interval: 1s, baseEjectionTime: 1s"
    found = verification(written(tmp_path / "mesh.yaml", rule))
    assert ("all requests of one client go to one pod" in str(found.coverage)) is told
    assert any(one.name.startswith("OutlierDetection") for one in found.driven) is not told
