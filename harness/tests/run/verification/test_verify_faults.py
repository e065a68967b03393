"""One's own faults are verified: a verification of manifests with faults has their checks."""

from __future__ import annotations

from pathlib import Path

import pytest
from meshproof.border.verdict import Precision
from meshproof.run.prepare import Prepared
from meshproof.run.verification.verification import prepare_verification
from meshproof.suite import folder


def prepared(tmp_path: Path, rest: str) -> Prepared:
    httpbin = (folder("scenarios") / "fault" / "httpbin.yaml").read_text()
    route = (folder("scenarios") / "fault" / "retries-default.yaml").read_text()
    (tmp_path / "mesh.yaml").write_text(f"{httpbin}---\n{route}{rest}")
    found = prepare_verification([str(tmp_path / "mesh.yaml")], [], (), Precision()).samples
    assert found is not None
    return found


USUAL = ["Split", "Answers", "NoErrors"]
ABORT = "abort: {httpStatus: 500, percentage: {value: 10}}"
DELAY = "delay: {fixedDelay: 1s, percentage: {value: 10}}"


@pytest.mark.parametrize(
    ("rest", "names", "users"),
    [
        ("", USUAL, 8),
        (f"      fault: {{{ABORT}}}\n", [*USUAL, "Abort"], 8),
        (f"      fault: {{{DELAY}}}\n", [*USUAL, "Delay"], 64),
        (f"      fault: {{{ABORT}, {DELAY}}}\n", [*USUAL, "Abort", "Delay"], 64),
        # The longer requests are delayed on the average, the more are under way.
        (f"      fault: {{{DELAY.replace('10', '100').replace('1s', '2s')}}}\n", [*USUAL, "Delay"], 128),
        (f"      fault: {{{DELAY.replace('10', '50').replace('1s', '70s')}}}\n", [*USUAL, "Delay"], 256),
    ],
)
def test_faults_have_their_checks(tmp_path: Path, rest: str, names: list[str], users: int) -> None:
    verification = prepared(tmp_path, rest)
    assert [check.name for check in verification.checks] == names
    assert verification.load.users == users
    assert ("x-envoy-upstream-service-time" in verification.load.headers) is ("Delay" in names)
