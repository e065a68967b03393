"""A host that what is applied has and nothing specifies is called, and fails; what no request shows of it is told."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from meshproof.border.verdict import Outcome, Precision, Verdict
from meshproof.run.prepare import Prepared
from meshproof.run.verification.verification import Verification, prepare_verification

WEB = """\
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{name: http, port: 80, targetPort: 8080}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: example/web, ports: [{containerPort: 8080}]}]}
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: db}
spec:
  hosts: [db.org]
  addresses: [10.0.0.1]
  ports: [{number: 9000, name: tcp, protocol: TCP}]
  resolution: STATIC
  endpoints: [{address: 10.1.1.1}]
"""
SERVICE = """\
apiVersion: v1
kind: Service
metadata: {name: extra}
spec: {selector: {app: web}, ports: [{name: http, port: 80, targetPort: 8080}]}
"""
ALIAS = SERVICE.replace("selector: {app: web}", "type: ExternalName, externalName: web.default.svc.cluster.local")
Driven = Callable[[Path, Sequence[Prepared]], list[list[Verdict]]]


def entry(host: str, more: str = "", *, protocol: str = "HTTP", port: int = 80, namespace: str = "default") -> str:
    head = "apiVersion: networking.istio.io/v1\nkind: ServiceEntry\n"
    ports = f"ports: [{{number: {port}, name: p, protocol: {protocol}}}]"
    named = f"metadata: {{name: more, namespace: {namespace}}}\n"
    return f"{head}{named}spec:\n  hosts: ['{host}']\n  {ports}\n  resolution: DNS\n  {more}\n"


def prepared(folder: Path, applied: str, specified: str = "") -> Verification:
    for name, text in (("specified", specified), ("applied", applied)):
        (folder / name).mkdir()
        (folder / name / "all.yaml").write_text(f"{WEB}---\n{text}")
    return prepare_verification([str(folder / "specified")], [str(folder / "applied")], (), Precision())


def asked(found: Verification) -> set[str]:
    return {str(one) for load in (found.samples, found.boundaries) if load for one in load.load.requests}


@pytest.mark.parametrize(
    ("applied", "request_"),
    [
        (SERVICE, "GET http://extra/"),
        (ALIAS, "GET http://extra/"),
        (entry("new.org"), "GET http://new.org/"),
        (entry("*.new.org").replace("DNS", "NONE"), "GET http://any.new.org/"),
        (entry("new.org", protocol="TCP", port=9001), "tcp://new.org:9001"),
        (entry("new.org", protocol="TLS", port=443), "tls://new.org:443"),
    ],
)
def test_it_is_called(tmp_path: Path, applied: str, request_: str) -> None:
    found = prepared(tmp_path, applied)
    assert request_ in asked(found)
    assert not found.coverage.dependences


def test_a_host_of_a_wider_one_that_is_specified_is_called(tmp_path: Path) -> None:
    wide = entry("*.org").replace("more", "wide").replace("DNS", "NONE")
    found = prepared(tmp_path, wide + "---\n" + entry("new.org"), wide)
    assert "GET http://new.org/" in asked(found)


@pytest.mark.parametrize(
    ("applied", "why"),
    [
        (entry("new.org", "exportTo: [other]"), "clients in default do not call it"),
        (SERVICE.replace("{name: http,", "{name: dns, protocol: UDP,"), "no request shows what answers there"),
        (entry("db.org", protocol="TCP", port=9000, namespace="other"), "db.org is applied in namespace other too"),
    ],
)
def test_what_no_request_shows_of_it_is_told(tmp_path: Path, applied: str, why: str) -> None:
    (told,) = prepared(tmp_path, applied).coverage.dependences
    assert why in told.why
    assert str(told.location).endswith(("all.yaml:26:1", "all.yaml:25:1"))


def test_another_host_of_the_same_address_leaves_connections_undecided(tmp_path: Path) -> None:
    more = entry("db2.org", "addresses: [10.0.0.1]", protocol="TCP", port=9000)
    found = prepared(tmp_path, more)
    assert any(
        "nothing tells connections to db.org from those to db2.org" in one.why for one in found.coverage.dependences
    )
    assert "tcp://db.org:9000" not in asked(found)


def test_what_stands_in_for_a_service_is_nothing_that_is_applied(tmp_path: Path) -> None:
    rule = "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: vs}\n"
    rule += "spec: {hosts: [web], http: [{route: [{destination: {host: elsewhere}}]}]}\n"
    found = prepared(tmp_path, rule)
    assert not any("elsewhere" in one for one in asked(found))
    assert not found.coverage.dependences


def test_it_fails_with_the_line_of_what_is_applied(tmp_path: Path, driven: Driven) -> None:
    found = prepared(tmp_path, SERVICE + "---\n" + entry("new.org", protocol="TCP", port=9001))
    several = driven(tmp_path, [one for one in (found.samples, found.boundaries) if one])
    failed = [one.reason for verdicts in several for one in verdicts if one.outcome is Outcome.FAILED]
    assert any("no answer is specified (no Service is called new.org)" in one for one in failed)
    assert any("extra.default at " in one and "all.yaml:25:1 answers" in one for one in failed)


@pytest.mark.parametrize(
    "extra", [SERVICE.replace("name: extra", "name: extra, namespace: others"), entry("new.org", namespace="others")]
)
def test_one_of_a_namespace_in_which_nothing_is_specified_is_noted_and_not_called(tmp_path: Path, extra: str) -> None:
    """What is applied may be all of a cluster, and what is specified one team's."""
    found = prepared(tmp_path, extra)
    assert not any("extra" in one or "new.org" in one for one in asked(found))
    assert not found.coverage.dependences
    told = [one.message for one in found.notices if "nothing is specified" in one.message]
    assert told == ["a host is applied in namespaces in which nothing is specified, and not called: others"]
