"""Findings as SARIF 2.1.0 (https://docs.oasis-open.org/sarif/sarif/v2.1.0/), which GitHub's code scanning takes."""

from __future__ import annotations

import json
from typing import Any

from meshproof.errors import Location
from meshproof.lint.catalogue import CATALOGUE
from meshproof.lint.check import Check, Finding, Severity
from meshproof.lint.lint import Linted
from meshproof.lint.render.paths import address, fingerprints

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}


def sarif(linted: Linted, version: str) -> str:
    """All checks are listed as rules, those that found nothing too, so that a reader can tell what was looked for."""
    index = {one.code: at for at, one in enumerate(CATALOGUE)}
    pairs = zip(linted.findings, fingerprints(linted.findings), strict=True)
    results = [_result(one, index[one.code], mark) for one, mark in pairs]
    driver = {"name": "meshproof", "version": version, "rules": [_rule(one) for one in CATALOGUE]}
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2, ensure_ascii=False) + "\n"


def _rule(one: Check) -> dict[str, Any]:
    return {
        "id": one.code,
        "shortDescription": {"text": f"{one.title}."},
        "help": {"text": one.fix},
        "defaultConfiguration": {"level": LEVELS[one.severity]},
        "properties": {"tags": ["meshproof", *one.istio]},
    }


def _result(one: Finding, index: int, mark: str) -> dict[str, Any]:
    found = {
        "ruleId": one.code,
        "ruleIndex": index,
        "level": LEVELS[one.severity],
        "message": {"text": f"{one.message}. {one.fix}"},
        "locations": [{"physicalLocation": _place(one.location)}],
        "partialFingerprints": {"meshproof/v1": mark},
    }
    if one.other:
        related = {"physicalLocation": _place(one.other), "message": {"text": "the other place"}}
        found["relatedLocations"] = [related]
    return found


def _place(where: Location) -> dict[str, Any]:
    region = {"startLine": where.line, "startColumn": where.column}
    return {"artifactLocation": {"uri": address(where.file)}, "region": region}
