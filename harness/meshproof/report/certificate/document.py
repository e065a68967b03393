"""The certificate of a run as plain data. Its schema is docs/schemas/certificate.schema.json.

It follows from the events alone: neither the time nor the place where it is made stands in it, and no folder of the
machine above those of the manifests.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from meshproof.border.facts.provenance import Digest, Provenance
from meshproof.border.verdict import ArmResult, Verdict
from meshproof.redaction.credentials import redact_all
from meshproof.report.certificate.places import above, without
from meshproof.report.codec import plain
from meshproof.report.coverage import objects, shares
from meshproof.report.events import ManifestsKept
from meshproof.report.headline import profiles
from meshproof.report.headline.headline import gaps, headline, sentence
from meshproof.report.record import Record
from meshproof.report.summary import control_plane, promise
from meshproof.report.wording import printable

API_VERSION, KIND = "meshproof.dev/v1alpha1", "ConformanceReport"
ISTIO = {"organization": "istio", "project": "istio", "url": "https://istio.io"}
ENVOY = {"organization": "envoyproxy", "project": "envoy", "url": "https://www.envoyproxy.io"}
NAMED = {"meshproof", "locust", "python"}


def document(record: Record) -> dict[str, Any]:
    """The whole certificate; shares are fractions, times seconds."""
    started, known = record.started, record.provenance
    options = dict(started.options) if started else {}
    whole = {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "headline": headline(record).value,
        "summary": sentence(record),
        "date": started.started_at if started else "",
        "runId": started.run_id if started else "",
        "implementation": _implementation(record),
        "mode": started.target if started else "",
        "target": _target(record),
        "meshproof": {name: value for name, value in _versions(record).items() if name in NAMED},
        "precision": {
            **{name: _number(options.get(name)) for name in ("alpha", "beta", "tolerance")},
            "maxRequests": options.get("max_requests"),
            "seed": options.get("seed"),
            "promise": promise(record),
        },
        "profiles": [profiles.document(one, known.offers) for one in profiles.reports(record)],
        "notAsked": list(known.not_asked),
        "gaps": [
            {"subject": one.subject, "location": one.location, "why": one.why, "allowedBy": one.allowed_by}
            for one in gaps(record)
        ],
        "proved": [{"what": one.what, "proved": one.proved, "of": one.of} for one in shares(record)],
        "understood": objects(record),
        "results": [_result(verdict) for verdict in record.verdicts],
        "selfCheck": _self_check(known),
        "sources": _sources(record),
        "notices": [
            {"scenario": one.scenario, "location": one.location, "message": one.message} for one in record.notices
        ],
        "reproduce": _reproduce(record),
    }
    folder = above(one.file for one in (*known.sources.specified, *known.sources.applied))
    return {name: _shown(redact_all(without(plain(value), folder))) for name, value in whole.items()}


def _number(value: Any) -> float | None:
    return value if isinstance(value, int | float) else None


def _shown(value: Any) -> Any:
    """The value with every character that is not visible written as an escape: nothing may look like another text."""
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, list):
        return [_shown(one) for one in value]
    if isinstance(value, dict):
        return {printable(name, keep=""): _shown(one) for name, one in value.items()}
    return value


def _versions(record: Record) -> dict[str, str]:
    return dict(record.started.versions) if record.started else {}


def _implementation(record: Record) -> dict[str, Any]:
    """The mesh that was tested: Istio where one runs, else Envoy with the configuration that Istio would give it."""
    versions = _versions(record)
    if other := control_plane(record):
        return {**ISTIO, "version": other.partition(" ")[2], "contact": []}
    known, name = (ISTIO, "istio") if "istio" in versions else (ENVOY, "envoy")
    return {**known, "version": versions.get(name, ""), "contact": []}


def _target(record: Record) -> dict[str, Any]:
    versions = {name: value for name, value in _versions(record).items() if name not in NAMED}
    known = record.provenance
    return {
        "versions": versions,
        "driver": dict(known.platform),
        "facts": dict(sorted(record.facts.items())),
        "features": list(known.offers),
    }


def _result(one: Verdict) -> dict[str, Any]:
    return {
        "scenario": one.scenario,
        "check": one.check,
        "request": one.request,
        "stage": one.stage,
        "outcome": one.outcome,
        "reason": one.reason,
        "n": one.n,
        "alpha": one.alpha,
        "beta": one.beta,
        "tolerance": one.tolerance,
        "effects": [_effect(arm) for arm in one.arms],
    }


def _effect(arm: ArmResult) -> dict[str, Any]:
    return {
        "destination": arm.destination,
        "expected": arm.expected,
        "observed": arm.observed,
        # Of ten digits: the difference of two fractions has noise in its last ones.
        "effect": round(arm.observed - arm.expected, 10),
        "interval": list(arm.interval),
        "count": arm.count,
        "tolerance": arm.tolerance,
        "outcome": arm.outcome,
        "location": arm.location,
    }


def _self_check(known: Provenance) -> dict[str, Any] | None:
    one = known.self_check
    if one is None:
        return None
    return {
        "killed": one.killed,
        "of": one.of,
        "drawnFrom": one.found,
        "seed": one.seed,
        "survived": list(one.survived),
    }


def _sources(record: Record) -> dict[str, Any]:
    known, commit = record.provenance, record.provenance.commit
    standing = {one.applied.sha256: one.applied for one in _kept(record) if _is_standing(record, one)}
    return {
        "specified": _digests(known.sources.specified),
        "applied": _digests(known.sources.applied or standing.values() or known.sources.specified),
        "git": {"commit": commit.id, "clean": commit.clean, "changed": list(commit.changed)} if commit else None,
    }


def _digests(several: Iterable[Digest]) -> list[dict[str, Any]]:
    return [{"file": one.file, "sha256": one.sha256, "bytes": one.size} for one in several]


def _kept(record: Record) -> Iterator[ManifestsKept]:
    return (one for scenario in record.scenarios.values() for one in scenario.kept)


def _is_standing(record: Record, one: ManifestsKept) -> bool:
    """Whether what is kept as applied was read from a cluster: no file of it was named, and it is something else."""
    return not record.provenance.sources.applied and one.applied != one.specified


def _reproduce(record: Record) -> dict[str, Any]:
    command: Sequence[str] = record.started.command if record.started else ()
    kept = [digest for one in _kept(record) for digest in dict.fromkeys((one.applied, one.specified))]
    return {
        "command": shlex.join(command),
        "where": "in the run's folder, which holds these files without credentials",
        "manifests": _digests(kept),
    }
