"""The bundle of a run, from its folder. The folder may be a stranger's too."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path

from meshproof.border.facts.provenance import Digest
from meshproof.border.verdict import Outcome, Precision
from meshproof.errors import UsageError
from meshproof.report.bundle.index import FILE, Bundle
from meshproof.report.events import ManifestsKept
from meshproof.report.record import Record

FAILING = (Outcome.FAILED.value, Outcome.INCONCLUSIVE.value)
LARGEST = 128 << 20


def is_worth_one(record: Record) -> bool:
    """Whether a run of a person's own manifests did not pass, and has something to reproduce."""
    known = record.provenance
    return known.question is not None and record.outcome in FAILING and _kept(record) is not None


def of_run(run: Path, record: Record) -> Bundle:
    """The bundle of a run in this folder; raises UsageError where it was not of a person's own manifests."""
    known, kept = record.provenance, _kept(record)
    if record.started is None or known.question is None or kept is None:
        raise UsageError(
            f"{run}: only what was verified can be replayed (verify, certify -f), and nothing of this run was"
        )
    options = record.started.options
    try:
        alpha, beta, tolerance = (float(options[name]) for name in ("alpha", "beta", "tolerance"))
        precision = Precision(alpha, beta, tolerance, options.get("max_requests"))
        seed = int(options["seed"])
    except (KeyError, TypeError, ValueError):
        raise UsageError(f"{run}: its events do not say with which error rates it was verified") from None
    return Bundle(
        record.started.run_id,
        str(record.started.versions.get("meshproof", "")),
        known.question,
        known.allowed,
        precision,
        seed,
        kept.specified.file,
        kept.applied.file,
        {one.file: _content(run, one) for one in dict.fromkeys((kept.specified, kept.applied))},
    )


def _kept(record: Record) -> ManifestsKept | None:
    """What the first load of the verification put in force; the others do the same."""
    names = [name for profile in record.provenance.profiles for name in profile.core]
    several = (record.scenarios[name].kept for name in names if name in record.scenarios)
    return next((kept[0] for kept in several if kept), None)


def _content(run: Path, one: Digest) -> bytes:
    if not FILE.match(one.file):
        raise UsageError(f"{run}: its events name {one.file[:100]!a}, which is no manifest of a run")
    path = run / one.file
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as stream:
            plain = stat.S_ISREG(os.fstat(descriptor).st_mode)
            data = stream.read(LARGEST + 1) if plain else b""
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from None
    if hashlib.sha256(data).hexdigest() != one.sha256:
        raise UsageError(f"{path}: is not what was put in force: it was changed")
    return data
