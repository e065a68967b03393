"""Findings as GitLab's code quality report (https://docs.gitlab.com/ci/testing/code_quality/)."""

from __future__ import annotations

import json

from meshproof.lint.check import Severity
from meshproof.lint.lint import Linted
from meshproof.lint.render.paths import fingerprints, relative

SEVERITIES = {Severity.ERROR: "critical", Severity.WARNING: "minor", Severity.INFO: "info"}


def code_quality(linted: Linted) -> str:
    pairs = zip(linted.findings, fingerprints(linted.findings), strict=True)
    several = [
        {
            "description": f"{one.code}: {one.message}. {one.fix}",
            "check_name": one.code,
            "fingerprint": mark,
            "severity": SEVERITIES[one.severity],
            "location": {"path": relative(one.location.file), "lines": {"begin": one.location.line}},
        }
        for one, mark in pairs
    ]
    return json.dumps(several, indent=2, ensure_ascii=False) + "\n"
