"""The bundle of a run, from its folder. The folder may be a stranger's too."""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from meshproof.border.facts.provenance import Digest, Question
from meshproof.border.verdict import Outcome, Precision
from meshproof.errors import UsageError
from meshproof.report.bundle.index import FILE, Bundle
from meshproof.report.events import ManifestsKept
from meshproof.report.record import Record

FAILING = (Outcome.FAILED, Outcome.INCONCLUSIVE)
LARGEST = 128 << 20
# Of a run whose scenarios fail by the dozen the first ones are kept.
MOST = 8


def bundles(run: Path, record: Record) -> Iterator[Bundle]:
    """The bundles of a run that did not pass: one of a person's own manifests, or one of each scenario that failed.

    What was changed since, or is gone, cannot be reproduced, and has none.
    """
    if record.provenance.question is not None:
        names = [""] if record.outcome in FAILING and _kept(record) is not None else []
    else:
        names = [one.name for one in record.scenarios.values() if one.outcome in FAILING and one.kept][:MOST]
    for name in names:
        with contextlib.suppress(UsageError):
            yield of_run(run, record, name)


def of_run(run: Path, record: Record, scenario: str = "") -> Bundle:
    """The bundle of a run in this folder, or of one `scenario` of it; raises UsageError where there is nothing to do
    again. Of a run of scenarios it is the first that did not pass, or else the first of a run that passed.
    """
    known = record.provenance
    if known.question is not None:
        question, kept = known.question, _kept(record)
    else:
        scenario = scenario or _first(record)
        if record.outcome in FAILING and scenario and record.scenarios[scenario].outcome not in FAILING:
            raise UsageError(f"{run}: what did not pass in it was told without a load: repeat it by its own command")
        question, kept = _of_scenario(record, scenario)
    if record.started is None or kept is None:
        raise UsageError(f"{run}: nothing was put in force in this run, so there is nothing to do again")
    options = record.started.options
    try:
        alpha, beta, tolerance = (float(options[name]) for name in ("alpha", "beta", "tolerance"))
        precision = Precision(alpha, beta, tolerance, options.get("max_requests"))
        seed = int(options["seed"])
    except (KeyError, TypeError, ValueError, OverflowError):
        raise UsageError(f"{run}: its events do not say with which error rates it was verified") from None
    return Bundle(
        record.started.run_id,
        str(record.started.versions.get("meshproof", "")),
        question,
        known.allowed,
        precision,
        seed,
        kept.specified.file,
        kept.applied.file,
        {one.file: _content(run, one) for one in dict.fromkeys((kept.specified, kept.applied))},
        scenario=scenario,
    )


def _first(record: Record) -> str:
    several = [one for one in record.scenarios.values() if one.kept]
    return next((one.name for one in several if one.outcome in FAILING), several[0].name if several else "")


def _of_scenario(record: Record, name: str) -> tuple[Question, ManifestsKept | None]:
    """The requests of a scenario, and what it put in force in the stage of which something did not hold."""
    one = record.scenarios.get(name)
    if one is None or not one.kept:
        return Question(), None
    stage = next((verdict.stage for verdict in one.verdicts if verdict.outcome in FAILING), one.kept[-1].stage)
    kept = next((each for each in one.kept if each.stage == stage), one.kept[-1])
    return Question(requests=one.started.requests if one.started else ()), kept


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
