"""What is applied for clients that nothing specified tells from the usual one: they ask, too."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from meshproof.border.verdict import Outcome, Precision, Verdict
from meshproof.run.prepare import Prepared
from meshproof.run.verification.verification import Verification, prepare_verification


def app(name: str) -> str:
    return f"""\
---
apiVersion: v1
kind: Service
metadata: {{name: {name}}}
spec: {{selector: {{app: {name}}}, ports: [{{name: http, port: 80, targetPort: 8080}}, {{name: tcp, port: 9000}}]}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}}}
spec:
  selector: {{matchLabels: {{app: {name}}}}}
  template:
    metadata: {{labels: {{app: {name}}}}}
    spec: {{containers: [{{name: c, image: example/c, ports: [{{containerPort: 8080}}, {{containerPort: 9000}}]}}]}}
"""


APPS = app("web") + app("lab")
NAMED = """---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: web}
spec:
  hosts: [web]
"""
TO_LAB, TO_WEB = "route: [{destination: {host: lab}}]", "route: [{destination: {host: web}}]"
PLAIN = f"{NAMED}  http: [{{{TO_WEB}}}]\n"
LABELLED = f"{NAMED}  http: [{{match: [{{sourceLabels: {{app: tester}}}}], {TO_LAB}}}, {{{TO_WEB}}}]\n"
PLACED = f"{NAMED}  http: [{{match: [{{sourceNamespace: lab, uri: {{prefix: /a}}}}], {TO_LAB}}}, {{{TO_WEB}}}]\n"
FURTHER = LABELLED.replace("sourceLabels", "uri: {prefix: /a}, sourceLabels")
TWO = FURTHER.replace(
    "  http: [", f"  http: [{{match: [{{sourceLabels: {{app: tester}}, uri: {{exact: /far/away}}}}], {TO_LAB}}}, "
)
ABORTED = LABELLED.replace(TO_LAB, f"fault: {{abort: {{httpStatus: 500, percentage: {{value: 100}}}}}}, {TO_WEB}")
AT = "route: [{destination: {host: lab, port: {number: 9000}}}]"
CONNECTED = f"{NAMED}  tcp: [{{match: [{{sourceLabels: {{app: tester}}}}], {AT}}}]\n"

Driven = Callable[[Path, Sequence[Prepared]], list[list[Verdict]]]
Verify = Callable[..., Verification]


@pytest.fixture
def verify(tmp_path: Path) -> Verify:
    """Prepare a verification of the first rules, with the others applied."""

    def make(specified: str, applied: str, *, any_client: bool = True, sender: str = "") -> Verification:
        for name, text in (("specified", specified), ("applied", applied)):
            (tmp_path / f"{name}.yaml").write_text(APPS + text)
        paths = ([str(tmp_path / f"{name}.yaml")] for name in ("specified", "applied"))
        return prepare_verification(*paths, (), Precision(), any_client=any_client, sender=sender)

    return make


def asked(found: Verification, client: str) -> set[str]:
    """What a client sends."""
    loads = (one for one in found.driven if one.name.startswith(("verify", "boundaries")))
    return {str(one.request) for load in loads if load.name.endswith(f"from {client}") for one in load.plan.stages[0]}


@pytest.mark.parametrize(
    ("specified", "applied", "client", "request_"),
    [
        ("", LABELLED, "default/app=tester", "GET http://web/"),
        (PLAIN, LABELLED, "default/app=tester", "GET http://web/"),
        (PLAIN, PLACED, "lab", "GET http://web.default/a"),
        (PLAIN, CONNECTED, "default/app=tester", "tcp://web:9000"),
        # This client asks in any case, but not for rules that it has in what is applied alone.
        (FURTHER, TWO, "default/app=tester", "GET http://web/far/away"),
    ],
)
def test_such_a_client_asks_for_what_is_applied_for_it(
    verify: Verify, specified: str, applied: str, client: str, request_: str
) -> None:
    assert request_ in asked(verify(specified, applied), client)


@pytest.mark.parametrize("applied", [LABELLED, ABORTED, CONNECTED])
def test_what_it_gets_is_failed(verify: Verify, tmp_path: Path, driven: Driven, applied: str) -> None:
    found = verify(PLAIN, applied)
    samples = [one for one in found.driven if one.name == "verify from default/app=tester"]
    (verdicts,) = driven(tmp_path, samples)
    assert Outcome.FAILED in {one.outcome for one in verdicts}


def test_a_rule_that_changes_nothing_is_not_asked_for(verify: Verify) -> None:
    assert asked(verify(PLAIN, LABELLED.replace(TO_LAB, TO_WEB)), "default/app=tester") == set()
    assert asked(verify(LABELLED, LABELLED), "default/app=tester") == asked(
        verify(LABELLED, PLAIN), "default/app=tester"
    )


WHY = "a rule that is applied is for a client default/app=tester, not for default: name it with --from"


def test_where_no_other_client_can_send_it_is_not_proved(verify: Verify) -> None:
    ((_, why),) = verify(PLAIN, LABELLED, any_client=False).coverage.unreached
    assert why == WHY


def test_who_names_the_client_is_told_of_it(verify: Verify) -> None:
    found = verify(PLAIN, LABELLED, sender="default")
    assert found.coverage.unreached == ()
    assert WHY in [one.message for one in found.notices]


ENTRY = """---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: api, namespace: PLACE}
spec:
  hosts: [api.partner.example]
  ports: [{number: 80, name: http, protocol: HTTP}]
  resolution: STATIC
  endpoints: [{address: ADDRESS}]
"""
THEIRS, OWN = (
    ENTRY.replace("PLACE", place).replace("ADDRESS", address)
    for place, address in (("lab", "10.1.1.1"), ("pay", "10.2.2.2"))
)


def test_who_has_a_service_of_its_own_for_a_host_asks_for_it(verify: Verify, tmp_path: Path, driven: Driven) -> None:
    samples = [one for one in verify(THEIRS + OWN, THEIRS).driven if one.name == "verify from pay"]
    (verdicts,) = driven(tmp_path, samples)
    assert Outcome.FAILED in {one.outcome for one in verdicts}


def test_one_that_is_applied_alone_costs_the_request_of_such_a_client_its_proof(verify: Verify) -> None:
    told = [one for one in verify(THEIRS, THEIRS + OWN).coverage.dependences if one.subject.startswith("ServiceEntry")]
    assert ["GET http://api.partner.example/" in one.requests for one in told] == [True]


def test_services_of_one_host_are_met_as_each_client_has_them(verify: Verify, tmp_path: Path, driven: Driven) -> None:
    found = verify(THEIRS + OWN, THEIRS + OWN)
    assert asked(found, "pay") == {"GET http://api.partner.example/"}
    (verdicts,) = driven(tmp_path, [one for one in found.driven if one.name == "verify from pay"])
    assert {one.outcome for one in verdicts} == {Outcome.PASSED}


def test_a_workload_that_joins_a_service_has_no_other_port(verify: Verify) -> None:
    joining = app("web").partition("---\n")[2].partition("---\n")[2].replace("{name: web}", "{name: joining}", 1)
    found = verify("", "---\n" + joining)
    assert found.coverage.unproved == ()
