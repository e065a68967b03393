"""A Service that selects no pod, beside a workload that was meant for it, is not proved, whoever names the request."""

from __future__ import annotations

from pathlib import Path

import pytest
from meshproof.border.request import parse
from meshproof.border.verdict import Precision
from meshproof.run.verification.verification import prepare_verification

FOLDER = """
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{name: http, port: 80, targetPort: 8080}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: anything}
spec:
  selector: {matchLabels: {app: wbe}}
  template: {metadata: {labels: {app: wbe}}, spec: {containers: [{name: c, image: i, ports: [{containerPort: 8080}]}]}}
"""


@pytest.mark.parametrize("named", [False, True])
def test_it_is_told_with_the_line_of_both(tmp_path: Path, named: bool) -> None:
    file = tmp_path / "all.yaml"
    file.write_text(FOLDER)
    requests = [parse("GET http://web/")] if named else []
    found = prepare_verification([str(file)], [], requests, Precision(), any_client=True).coverage
    text = found.unanswered[0][1] if named else found.dependences[0].why
    assert f"Deployment default/anything ({file}:7:1) meant, which none selects?" in text
    assert f"{file}:2:1" in (text if named else str(found.dependences[0].location))
