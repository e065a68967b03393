"""`verify -o github`: what fails stands on its line in a pull request, beside the table in the job's log."""

from __future__ import annotations

import re
from typing import Any


def test_drift_is_told_on_the_line_of_the_weight(place: Any) -> None:
    place.mesh("spec")
    place.mesh("applied", 50, 50)
    summary = place.here / "summary.md"
    words = (*place.verify, "--applied", "applied", "--request", "GET http://helloworld:5000/hello", "-o", "github")
    ended = place.run(*words, "--output", "out", env={"GITHUB_STEP_SUMMARY": str(summary)})
    assert ended.code == 1, ended.err
    assert re.search(r"^  Split +failed", ended.out, re.MULTILINE)
    commands = [line for line in ended.out.splitlines() if line.startswith("::error ")]
    assert re.match(r"::error file=spec/route\.yaml,line=\d+,col=11,title=Split failed%3A GET http", commands[0])
    assert "| Split failed: GET http://helloworld:5000/hello | `spec/route.yaml:" in summary.read_text()
