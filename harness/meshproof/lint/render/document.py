"""Findings as one JSON document of meshproof's own."""

from __future__ import annotations

import json
from typing import Any

from meshproof.errors import Location
from meshproof.lint.check import Finding, Severity
from meshproof.lint.lint import Linted

FORMAT = 1


def document(linted: Linted) -> str:
    """`version` grows when a field changes its meaning or goes."""
    counts = {str(one): sum(found.severity is one for found in linted.findings) for one in Severity}
    findings = [_finding(one) for one in linted.findings]
    whole = {
        "version": FORMAT,
        "objects": linted.objects,
        "checks": linted.checks,
        "counts": counts,
        "findings": findings,
    }
    return json.dumps(whole, indent=2, ensure_ascii=False) + "\n"


def _finding(one: Finding) -> dict[str, Any]:
    return {
        "code": one.code,
        "severity": str(one.severity),
        "title": one.check.title,
        "message": one.message,
        "fix": one.fix,
        **_place(one.location),
        "related": _place(one.other) if one.other else None,
        "istio": list(one.check.istio),
    }


def _place(where: Location) -> dict[str, Any]:
    return {"file": where.file, "line": where.line, "column": where.column}
