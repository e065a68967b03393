"""Large loads of a verification have more requests under way, unless any of them could run out of time or of room."""

from __future__ import annotations

from pathlib import Path

import pytest
from meshproof.border.load import Load
from meshproof.border.verdict import Precision
from meshproof.run.verification.at_once import LARGE, USERS
from meshproof.run.verification.verification import prepare_verification

USUAL = Load("steady", "GET http://a/").users
SERVICE = """\
apiVersion: v1
kind: Service
metadata: {{name: s{0}}}
spec: {{selector: {{app: s}}, ports: [{{name: http, port: 80}}]}}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {{name: s{0}}}
spec:
  hosts: [s{0}]
  http:
  - {{route: [{{destination: {{host: s{0}}}}}]{1}}}
---
"""
WORKLOAD = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: s}
spec:
  selector: {matchLabels: {app: s}}
  template:
    metadata: {labels: {app: s}}
    spec: {containers: [{name: s, image: s, ports: [{containerPort: 80}]}]}
"""
POLICY = """\
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: s0}
spec: {host: s0, trafficPolicy: {%s}}
---
"""
POOL = "connectionPool: {http: {http1MaxPendingRequests: 1024}}"


def written(folder: Path, services: int, rule: str = "", policy: str = "") -> str:
    """The manifests of so many Services; the first has a rule with more, and a policy."""
    texts = [SERVICE.format(number, "" if number else rule) for number in range(services)]
    (folder / "mesh.yaml").write_text("".join([*texts, POLICY % policy if policy else "", WORKLOAD]))
    return str(folder / "mesh.yaml")


def users(spec: str, applied: str = "") -> int:
    """How many of the samples of these manifests are under way at once."""
    found = prepare_verification([spec], [applied] if applied else [], (), Precision())
    assert found.samples is not None
    return found.samples.load.users


@pytest.mark.parametrize(
    ("services", "rule", "policy", "expected"),
    [
        pytest.param(LARGE, "", "", USERS, id="many"),
        pytest.param(2, "", "", USUAL, id="few"),
        pytest.param(LARGE, ", timeout: 0.2s", "", USUAL, id="a timeout"),
        pytest.param(LARGE, ", retries: {attempts: 1, perTryTimeout: 0.1s}", "", USUAL, id="a limit of each try"),
        pytest.param(LARGE, "", POOL, USUAL, id="a pool"),
        pytest.param(LARGE, "", "outlierDetection: {consecutive5xxErrors: 3}", USUAL, id="an ejection"),
    ],
)
def test_only_of_many_requests_without_limits_more_are_under_way(
    tmp_path: Path, services: int, rule: str, policy: str, expected: int
) -> None:
    assert users(written(tmp_path, services, rule, policy)) == expected


def test_limits_of_what_is_applied_count_too(tmp_path: Path) -> None:
    for name in ("specified", "applied"):
        (tmp_path / name).mkdir()
    specified = written(tmp_path / "specified", LARGE)
    assert users(specified, written(tmp_path / "applied", LARGE, ", timeout: 0.2s")) == USUAL
