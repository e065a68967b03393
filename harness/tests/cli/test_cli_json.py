"""With -o json standard output holds the document alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import jsonschema
import pytest
from meshproof.suite import PACKAGE

SCHEMA = json.loads((PACKAGE.parents[1] / "docs" / "report.schema.json").read_text())


def test_json_is_one_document_that_follows_its_schema(place: Any) -> None:
    place.mesh("spec")
    hello = "GET http://helloworld:5000/hello"
    out = place.here / "out"
    asked = ("--request", hello, "--request", f"{hello} a:b")
    ended = place.run(*place.verify, *asked, "-o", "json", "--output", out)
    assert ended.code == 0, ended.err
    jsonschema.validate(ended.report, SCHEMA)
    assert ended.report["outcome"] == "passed"
    assert ended.report["exit_code"] == 0
    assert ended.report["run_dir"] == str(out)
    assert [check["request"] for check in ended.report["checks"]] == ["", hello, f"{hello} a:b", "", "", "", ""]
    assert ended.out == (out / "report.json").read_text()
    assert "passed 7 checks" in ended.err


@pytest.mark.long
def test_a_closed_pipe_changes_no_verdict(place: Any) -> None:
    place.mesh("spec")
    place.mesh("applied", 50, 50)
    reading, writing = os.pipe()
    os.close(reading)
    argv = [sys.executable, "-P", "-m", "meshproof", *place.verify]
    for code, more in ((1, ["--applied", "applied"]), (0, ["-o", "json"])):
        ended = subprocess.run(
            [*argv, *more], cwd=place.here, env=place.env, stdout=writing, stderr=subprocess.PIPE, timeout=20
        )
        assert ended.returncode == code, ended.stderr.decode()
        assert b"Traceback" not in ended.stderr
    os.close(writing)
