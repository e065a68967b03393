"""The JSON document of a run (`-o json`, report.json). Its schema is docs/report.schema.json."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from meshproof.border.verdict import Verdict
from meshproof.redaction.credentials import redact_all
from meshproof.report.codec import plain
from meshproof.report.coverage import objects, sentence, shares
from meshproof.report.record import INTERRUPTED, Record, ScenarioRecord

SCHEMA_VERSION = 1
ARM_FIELDS = ("destination", "expected", "observed", "interval", "count", "tolerance", "outcome", "location")


def document(record: Record, run_dir: Path | None = None) -> dict[str, Any]:
    """Plain JSON data. Shares are fractions, times seconds; `run_dir` is absolute, null when nothing was kept.

    A check without error rates of its own (deterministic) has null for alpha, beta and tolerance.
    """
    started, finished = record.started, record.finished
    options = dict(started.options) if started else {}
    errors = [{"scenario": one.scenario, "message": one.message, "detail": one.detail} for one in record.errors]
    if record.outcome == INTERRUPTED:
        message = "the run was interrupted" if record.interrupted else "the run ended without finishing"
        errors.append({"scenario": "", "message": message, "detail": ""})
    data: dict[str, Any] = plain(
        {
            "schema_version": SCHEMA_VERSION,
            "outcome": record.outcome,
            "exit_code": finished.exit_code if finished else None,
            "run_id": started.run_id if started else "",
            "started_at": started.started_at if started else "",
            "seconds": record.seconds,
            "target": started.target if started else "",
            "versions": started.versions if started else {},
            "seed": options.get("seed"),
            "options": options,
            "scenarios": [_scenario(one) for one in record.scenarios.values()],
            "checks": [_check(verdict) for verdict in record.verdicts],
            "errors": errors,
            "notices": [
                {"scenario": one.scenario, "location": one.location, "message": one.message} for one in record.notices
            ],
            "coverage": _coverage(record),
            "run_dir": str(run_dir.absolute()) if run_dir else None,
        }
    )
    return {key: value if key == "run_dir" else redact_all(value) for key, value in data.items()}


def render(record: Record, run_dir: Path | None = None) -> str:
    """The document as text, in ASCII, with its last line end."""
    return json.dumps(document(record, run_dir), indent=2, allow_nan=False) + "\n"


def _scenario(scenario: ScenarioRecord) -> dict[str, Any]:
    started, finished = scenario.started, scenario.finished
    return {
        "scenario": scenario.name,
        "description": started.description if started else "",
        "outcome": scenario.outcome,
        "reason": finished.reason if finished else "",
        "seconds": finished.seconds if finished else None,
        "phases": finished.phases if finished else {},
        "manifests": started.manifests if started else [],
        "requests": started.requests if started else [],
    }


def _coverage(record: Record) -> dict[str, Any] | None:
    found = record.coverage
    if found is None:
        return None
    return {
        "proved": sentence(record),
        "shares": [{"what": one.what, "proved": one.proved, "of": one.of} for one in shares(record)],
        "understood": objects(record),
        "dependences": [
            {
                "kind": one.kind,
                "subject": one.subject,
                "location": str(one.location),
                "why": one.why,
                "refused": one.refused,
                "allowed": one.allowed,
                "requests": one.requests,
                "rules": [str(rule) for rule in one.rules],
            }
            for one in found.dependences
        ],
        "unreached": [{"rule": str(rule), "why": why} for rule, why in found.unreached],
        "unanswered": [{"request": request, "why": why} for request, why in found.unanswered],
        "left_out": [{"rule": str(rule), "probes": number} for rule, number in found.left_out],
        "unproved": [
            {
                "kind": one.kind,
                "subject": one.subject,
                "location": str(one.location),
                "destination": one.destination,
                "why": one.why,
                "allowed": one.allowed,
            }
            for one in found.unproved
        ],
    }


def _check(verdict: Verdict) -> dict[str, Any]:
    return {
        "scenario": verdict.scenario,
        "check": verdict.check,
        "request": verdict.request,
        "stage": verdict.stage,
        "outcome": verdict.outcome,
        "reason": verdict.reason,
        "n": verdict.n,
        "alpha": verdict.alpha,
        "beta": verdict.beta,
        "tolerance": verdict.tolerance,
        "arms": [{name: getattr(arm, name) for name in ARM_FIELDS} for arm in verdict.arms],
        "seconds": verdict.seconds,
        "evidence": verdict.evidence,
    }
