"""Services that no rule is for are proved too: each port of them is called, and what runs otherwise is found."""

from __future__ import annotations

from pathlib import Path

import pytest
from meshproof.border.request import parse
from meshproof.border.verdict import Outcome
from meshproof.run.verification.verification import Verification, prepare_verification
from sure import SURE


def app(name: str) -> str:
    return f"""
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}}}
spec:
  selector: {{matchLabels: {{app: {name}}}}}
  template:
    metadata: {{labels: {{app: {name}}}}}
    spec:
      containers: [{{name: a, image: example/{name}, ports: [{{containerPort: 8080}}, {{containerPort: 5432}}]}}]
---
"""


FOLDER = f"""{app("cart")}{app("stock")}{app("archive")}
apiVersion: v1
kind: Service
metadata: {{name: cart}}
spec: {{selector: {{app: cart}}, ports: [{{name: http, port: 80, targetPort: 8080}}]}}
---
apiVersion: v1
kind: Service
metadata: {{name: stock}}
spec: {{selector: {{app: stock}}, ports: [{{name: http, port: 80, targetPort: 8080}}, {{name: tcp, port: 5432}}]}}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {{name: cart}}
spec: {{hosts: [cart], http: [{{route: [{{destination: {{host: cart}}}}]}}]}}
---
"""
FAULT = """
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: stock}
spec:
  hosts: [stock]
  http: [{fault: {abort: {httpStatus: 503, percentage: {value: 100}}}, route: [{destination: {host: stock}}]}]
"""
WEB, STORE = "GET http://stock/", "tcp://stock:5432"


OUTSIDE = """
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: api}
spec:
  hosts: [api.example.com, "*.example.com"]
  ports: [{number: 443, name: tls, protocol: TLS}, {number: 80, name: http, protocol: HTTP}]
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: db}
spec:
  hosts: [db.example.com]
  addresses: [10.20.30.40]
  ports: [{number: 5432, name: tcp, protocol: TCP}]
  resolution: STATIC
  endpoints: [{address: 10.20.30.41}]
"""


def prepared(tmp_path: Path, applied: str = FOLDER) -> Verification:
    (tmp_path / "spec.yaml").write_text(FOLDER)
    (tmp_path / "applied.yaml").write_text(applied)
    return prepare_verification([str(tmp_path / "spec.yaml")], [str(tmp_path / "applied.yaml")], [], SURE)


def test_each_port_that_no_rule_is_for_is_called(tmp_path: Path) -> None:
    found = prepared(tmp_path)
    assert found.samples is not None
    assert [str(one) for one in found.samples.load.requests] == ["GET http://cart/", WEB, STORE]
    assert found.coverage.unruled == (WEB, STORE)


@pytest.mark.parametrize(
    ("old", "new", "wrong"),
    [
        ("", "", set()),
        ("selector: {app: stock}", "selector: {app: archive}", {WEB, STORE}),
        ("{name: tcp, port: 5432}", "{name: tcp, port: 5432, targetPort: 9}", {STORE}),
        ("---\n", f"---\n{FAULT}---\n", {WEB}),
    ],
)
def test_a_service_that_runs_otherwise_is_found(driven, tmp_path: Path, old: str, new: str, wrong: set[str]) -> None:
    found = prepared(tmp_path, FOLDER.replace(old, new, 1) if old else FOLDER)
    assert found.samples is not None
    (verdicts,) = driven(tmp_path, [found.samples])
    assert {one.request for one in verdicts if one.outcome is Outcome.FAILED} - {""} == wrong


def test_a_port_whose_name_hides_http_fails_what_rules_add_and_breaks_nothing(driven, tmp_path: Path) -> None:
    found = prepared(tmp_path, FOLDER.replace("{name: http, port: 80", "{name: tcp, port: 80", 1))
    verdicts = [one for several in driven(tmp_path, found.driven) for one in several]
    assert {one.check for one in verdicts if one.outcome is Outcome.FAILED} == {"Answers", "Retries"}
    assert any("no proxy read the request before" in one.reason for one in verdicts)


@pytest.mark.parametrize("name", ["http2", "grpc"])
def test_a_port_whose_name_changes_the_protocol_to_its_pods_is_found(driven, tmp_path: Path, name: str) -> None:
    found = prepared(tmp_path, FOLDER.replace("{name: http, port: 80", f"{{name: {name}, port: 80", 1))
    assert found.samples is not None
    (verdicts,) = driven(tmp_path, [found.samples])
    (failed,) = [one for one in verdicts if one.outcome is Outcome.FAILED]
    assert failed.check == "Answers"
    assert "called over HTTP/2 instead of HTTP/1.1" in failed.reason


def test_hosts_outside_are_called_by_name_by_handshake_and_by_address(driven, tmp_path: Path) -> None:
    (tmp_path / "outside.yaml").write_text(OUTSIDE)
    found = prepare_verification([str(tmp_path / "outside.yaml")], [], [], SURE)
    assert found.samples is not None
    assert [str(one) for one in found.samples.load.requests] == [
        "tls://api.example.com:443",
        "GET http://api.example.com/",
        "tls://any.example.com:443",
        "GET http://any.example.com/",
        "tcp://db.example.com:5432",
        "tcp://10.20.30.40:5432",
    ]
    (verdicts,) = driven(tmp_path, [found.samples])
    assert {one.outcome for one in verdicts} == {Outcome.PASSED}


def test_a_websocket_that_is_named_is_asked_for_no_status_of_grpc(driven, tmp_path: Path) -> None:
    (tmp_path / "spec.yaml").write_text(FOLDER)
    found = prepare_verification([str(tmp_path / "spec.yaml")], [], [parse("ws://cart/")], SURE)
    verdicts = [one for several in driven(tmp_path, found.driven) for one in several]
    assert {one.check for one in verdicts} >= {"Split", "Retries"}
    assert {one.outcome for one in verdicts} == {Outcome.PASSED}
