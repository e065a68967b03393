"""TCP routes of one's own manifests: driven and judged per connection, on real Envoys."""

from __future__ import annotations

from pathlib import Path

import pytest
from meshproof.border.request import parse
from meshproof.border.verdict import Outcome
from meshproof.run.verification.verification import Verification, prepare_verification
from meshproof.suite import folder
from sure import SURE

ECHO = (folder("scenarios") / "tcp" / "echo.yaml").read_text()
SPLIT = (folder("scenarios") / "tcp" / "weight-20.yaml").read_text()


def prepared(tmp_path: Path, specified: str, applied: str = "", *requests: str, probed: bool = True) -> Verification:
    (tmp_path / "spec.yaml").write_text(f"{ECHO}---\n{specified}")
    (tmp_path / "applied.yaml").write_text(f"{ECHO}---\n{applied}")
    running = [str(tmp_path / "applied.yaml")] if applied else []
    asked = [parse(one) for one in requests]
    return prepare_verification([str(tmp_path / "spec.yaml")], running, asked, SURE, probed=probed)


def test_each_tcp_port_that_a_rule_serves_is_asked_for_by_the_samples_alone(tmp_path: Path) -> None:
    found = prepared(tmp_path, SPLIT)
    assert found.samples is not None
    assert [str(one) for one in found.samples.load.requests] == ["tcp://tcp-echo:9000"]
    assert (found.boundaries, found.resilience, found.others) == (None, None, ())
    assert [(len(requests), found.coverage.unreached) for _, requests in found.coverage.rules] == [(1, ())]


def test_a_request_of_http_does_not_prove_a_tcp_port(tmp_path: Path) -> None:
    found = prepared(tmp_path, SPLIT, "", "http://tcp-echo:9000/")
    assert found.samples is None
    ((_, why),) = found.coverage.unanswered
    assert "tcp://tcp-echo:9000" in why


def test_where_no_probe_says_who_answers_nothing_is_proved(tmp_path: Path) -> None:
    found = prepared(tmp_path, SPLIT, probed=False)
    assert found.samples is None
    assert [one.requests for one in found.coverage.dependences] == [("tcp://tcp-echo:9000",)]


def test_policies_of_a_tcp_destination_count_as_not_proved(tmp_path: Path) -> None:
    rule = """---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: limits}
spec: {host: tcp-echo, trafficPolicy: {connectionPool: {tcp: {maxConnections: 8}}}}
"""
    # Of several rules for one host the first policy counts.
    found = prepared(tmp_path, f"{rule.removeprefix('---')}---\n{SPLIT}")
    assert found.coverage.unproved
    assert found.samples is not None
    assert found.samples.load.users == 4


@pytest.mark.parametrize(
    ("applied", "outcome"),
    [
        (SPLIT, Outcome.PASSED),
        (SPLIT.replace("80", "50").replace("weight: 20", "weight: 50"), Outcome.FAILED),
        # The Service alone sends half to each.
        (SPLIT.replace("- port: 9000", "- port: 9001"), Outcome.FAILED),
    ],
)
def test_weights_are_told_from_others(driven, tmp_path: Path, applied: str, outcome: Outcome) -> None:
    found = prepared(tmp_path, SPLIT, applied)
    assert found.samples is not None
    ((split, errors),) = driven(tmp_path, [found.samples])
    assert (split.check, split.outcome) == ("Split", outcome)
    assert (errors.check, errors.outcome) == ("NoErrors", Outcome.PASSED)


def test_connections_that_are_closed_are_errors(driven, tmp_path: Path) -> None:
    found = prepared(tmp_path, SPLIT, SPLIT.replace("subset: v2", "subset: v9"))
    assert found.samples is not None
    ((split, errors),) = driven(tmp_path, [found.samples])
    assert errors.outcome is Outcome.FAILED
    assert "connection closed before an answer" in errors.reason
    assert split.outcome is not Outcome.PASSED
