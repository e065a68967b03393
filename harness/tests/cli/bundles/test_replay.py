"""`meshproof replay`: what failed there fails here, with one line, from a bundle that holds no secret."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from meshproof.cli.group import group

HELLO = "GET http://helloworld:5000/hello"


def outcomes(report: Any) -> dict[str, str]:
    return {f"{one['scenario']}/{one['check']}": one["outcome"] for one in report["checks"]}


def test_a_failed_run_is_done_again_elsewhere(place: Any) -> None:
    """90/10 is specified, and 50/50 runs."""
    place.mesh("spec")
    place.mesh("applied", 50, 50)
    words = (*place.verify, "--applied", "applied", "--request", HELLO, "-o", "json", "--output", "out")
    failed = place.run(*words, "--seed", "7")
    assert failed.code == 1, failed.err
    out = place.here / "out"
    assert f"replay anywhere: meshproof replay {out / 'bundle.tar.gz'}" in failed.err

    bundle = (place.here / "out" / "bundle.tar.gz").rename(place.here / "elsewhere.tar.gz")
    for name in ("spec", "applied", "out"):
        (place.here / name).rename(place.here / f"{name}-gone")
    again = place.run("replay", bundle, "-o", "json", "--output", "again")
    assert again.code == 1, again.err
    assert outcomes(again.report) == outcomes(failed.report)
    assert (again.report["seed"], again.report["options"]["tolerance"]) == (7, 0.1)
    assert again.report["scenarios"][1]["requests"] == failed.report["scenarios"][1]["requests"]
    reason = next(one["reason"] for one in again.report["checks"] if one["check"] == "Split")
    assert "manifests/verify/applied-0.yaml:" in reason, "places have the names of the run's own folder"
    assert (place.here / "again" / "bundle.tar.gz").exists()
    assert json.loads((place.here / "again" / "certificate.json").read_text())["headline"] == "not certified"
    told = place.run("replay", bundle, "--request", HELLO, "--output", "told").out
    assert "-   helloworld.default/v1 90 %, helloworld.default/v2 10 %, by the rule at manifests/verify/spec" in told
    assert "+   helloworld.default/v1 50 %, helloworld.default/v2 50 %, by the rule at manifests/verify/appl" in told
    assert place.left_over() == []


def test_what_is_no_bundle_is_refused_before_anything_is_started(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no bundle")
    (tmp_path / "zeros").write_bytes(gzip.compress(bytes(2048)))
    os.mkfifo(tmp_path / "fifo")
    for name, message in (
        ("text", "no gzip file"),
        ("zeros", "has no index.json"),
        ("fifo", "is no file"),
        (".", "cannot read the events of a run"),
    ):
        ended = CliRunner().invoke(group, ["replay", str(tmp_path / name)])
        assert message in str(ended.exception), name
    ended = CliRunner().invoke(group, ["replay", str(tmp_path / "text"), "--request", "GET nowhere"])
    assert "GET nowhere" in str(ended.exception)


@pytest.mark.parametrize("name", ["no-such-file", ""])
def test_a_path_that_is_not_there(name: str) -> None:
    assert CliRunner().invoke(group, ["replay", name]).exit_code == 2
