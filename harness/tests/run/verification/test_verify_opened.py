"""A connection that a gateway takes though nothing specifies it is asked for, and fails."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from meshproof.border.verdict import Outcome, Precision, Verdict
from meshproof.run.prepare import Prepared
from meshproof.run.verification.verification import Verification, prepare_verification

APPS = """\
apiVersion: v1
kind: Service
metadata: {name: db}
spec: {selector: {app: db}, ports: [{name: tcp, port: 9000, targetPort: 8080}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: db}
spec:
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec: {containers: [{name: db, image: example/db, ports: [{containerPort: 8080}]}]}
"""
TCP = """\
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: open}
spec:
  selector: {istio: ingressgateway}
  servers: [{port: {number: 9000, name: tcp, protocol: TCP}, hosts: ["*"]}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: open}
spec:
  hosts: ["*"]
  gateways: [open]
  tcp: [{route: [{destination: {host: db}}]}]
"""
TLS = (
    TCP.replace('protocol: TCP}, hosts: ["*"]', "protocol: TLS}, tls: {mode: PASSTHROUGH}, hosts: [db.example]")
    .replace('hosts: ["*"]', "hosts: [db.example]")
    .replace("tcp: [{route", "tls: [{match: [{sniHosts: [db.example]}], route")
)
Driven = Callable[[Path, Sequence[Prepared]], list[list[Verdict]]]


def prepared(folder: Path, specified: str, applied: str) -> Verification:
    for name, text in (("specified", specified), ("applied", applied)):
        (folder / name).mkdir()
        (folder / name / "all.yaml").write_text(APPS + text)
    return prepare_verification([str(folder / "specified")], [str(folder / "applied")], (), Precision())


@pytest.mark.parametrize("opened", [TCP, TLS])
def test_it_is_asked_for(tmp_path: Path, opened: str) -> None:
    samples = prepared(tmp_path, "", opened).samples
    assert samples is not None
    (one,) = [one for one in samples.plan.stages[0] if one.request.gateway]
    assert one.request.gateway == "default/open"
    assert one.refused


def test_where_nothing_is_opened_there_is_nothing_more(tmp_path: Path) -> None:
    samples = prepared(tmp_path, "", "").samples
    assert samples is not None
    assert not any(one.request.gateway for one in samples.plan.stages[0])


def test_it_fails(tmp_path: Path, driven: Driven) -> None:
    samples = prepared(tmp_path, "", TCP).samples
    assert samples is not None
    (verdicts,) = driven(tmp_path, [samples])
    (failed,) = [one for one in verdicts if one.outcome is Outcome.FAILED]
    assert "by default/db, but no answer is specified" in failed.reason
