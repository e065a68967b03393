"""What became of intents, on standard output."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

import meshproof
from meshproof.border.intents.intent import Case
from meshproof.border.verdict import Outcome, RunOutcome, Verdict, worst
from meshproof.cli.formats import GITHUB, rendered
from meshproof.cli.help.tree import spoken
from meshproof.cli.options.shared import Settings
from meshproof.language.words import ENGLISH, Words
from meshproof.language.wrap import columns, padded
from meshproof.manifest import Notice
from meshproof.redaction.credentials import redact, redact_all
from meshproof.redaction.records import redacted
from meshproof.report.events import (
    CheckFinished,
    Event,
    Noticed,
    RunFinished,
    RunStarted,
    ScenarioFinished,
    ScenarioStarted,
)
from meshproof.report.record import Record, gather
from meshproof.report.terminal.abridged import FewAlike
from meshproof.report.wording import line, tally
from meshproof.run.exit_codes import EXIT_FAILED, EXIT_INTERRUPTED, EXIT_PASSED, VerdictCode, exit_code
from meshproof.run.intents.outcome import outcomes
from meshproof.run.intents.predicted import Predicted

NAME = "intents"
COLORS = {Outcome.PASSED: "green", Outcome.FAILED: "red", Outcome.ERROR: "magenta", Outcome.INCONCLUSIVE: "yellow"}
MOST_RULES = 20
# Columns of the widest outcome in English.
NARROWEST = 12
Told = Sequence[tuple[Case, Verdict]]


def report(
    settings: Settings,
    predicted: Predicted,
    told: Told,
    notices: Sequence[Notice],
    min_coverage: float,
    *,
    kept: Path | None = None,
    code: int = EXIT_PASSED,
) -> int:
    """Print everything in the form that was asked for; the exit code. `code` is that of the run that proved it."""
    outcome = worst([verdict.outcome for _, verdict in told])
    short = predicted.coverage.percent < min_coverage
    own = exit_code(outcome) or (EXIT_FAILED if short else EXIT_PASSED)
    # What broke or interrupted the run counts more than what was known by then.
    code = code if code >= EXIT_INTERRUPTED else own
    if settings.format == "json":
        click.echo(json.dumps(redact_all(_document(predicted, told, notices, code, min_coverage)), indent=2))
    words = spoken()
    if settings.format in ("text", GITHUB):
        for text in _lines(predicted, told, min_coverage, words, static=kept is None):
            click.echo(redact(text), color=settings.color)
    if settings.format not in ("text", "json"):
        verdicts = [*(verdict for _, verdict in told), *(_too_few(predicted, min_coverage) if short else ())]
        click.echo(rendered(settings.format, _record(verdicts, notices, code)), nl=False)
    if kept is None:
        few = FewAlike()
        for notice in (one for one in notices if few.shows(one.message)):
            place, message = line(str(notice.location)), line(notice.message)
            click.echo(redact(words("notice {place}: {message}", place=place, message=message)), err=True)
        if few.hidden:
            click.echo(words("notice and {n} more like these: -o json has each", n=few.hidden), err=True)
    return VerdictCode(code)


def _lines(predicted: Predicted, told: Told, min_coverage: float, words: Words, *, static: bool) -> Iterator[str]:
    shown = -1
    wide = max([NARROWEST, *(columns(words.outcome(one.outcome.value)) for _, one in told)])
    for case, verdict in told:
        name = case.intent.name
        if case.number != shown and name:
            yield line(name)
        shown = case.number
        indent = "  " if name else ""
        word = click.style(padded(words.outcome(verdict.outcome.value), wide), fg=COLORS.get(verdict.outcome))
        if verdict.outcome is Outcome.PASSED:
            yield f"{indent}{word}  {line(case.asked)}: {line(verdict.reason)}"
        else:
            place = f"{case.intent.location}: " if case.intent.location else ""
            yield f"{indent}{word}  {line(case.asked)}"
            yield f"{indent}{'':{wide}}  {line(f'{place}{verdict.reason}')}"
    yield ""
    yield from _coverage(predicted, min_coverage, words)
    found = list(outcomes(told))
    said = {"tally": tally(found, words), "intents": words.amount(len(found), "intent")}
    if static:
        yield words("{tally} of {intents} by prediction", **said)
    else:
        sent = f"{sum(one.n for _, one in told):,}"
        yield words("{tally} of {intents} by prediction, and proved with {n} requests", n=sent, **said)


def _coverage(predicted: Predicted, min_coverage: float, words: Words) -> Iterator[str]:
    found = predicted.coverage
    reached = found.rules - len(found.unreached)
    for rule in found.unreached[:MOST_RULES]:
        yield words("no intent reaches the rule at {place}", place=line(str(rule)))
    if len(found.unreached) > MOST_RULES:
        yield words("nor {n} others (-o json names all)", n=f"{len(found.unreached) - MOST_RULES:,}")
    rules = words.amount(found.rules, "rule")
    said = {"reached": f"{reached:,}", "rules": rules, "percent": f"{found.percent:.0f}"}
    if found.percent < min_coverage:
        least = f"{min_coverage:g}"
        yield words(
            "intents reach {reached} of {rules} ({percent} %), and {least} % are asked for", least=least, **said
        )
    else:
        yield words("intents reach {reached} of {rules} ({percent} %)", **said)


def _document(
    predicted: Predicted, told: Told, notices: Sequence[Notice], code: int, min_coverage: float
) -> dict[str, Any]:
    found = predicted.coverage
    return {
        "meshproof": meshproof.__version__,
        "exit_code": code,
        "intents": [_row(case, verdict) for case, verdict in told],
        "coverage": {
            "rules": found.rules,
            "percent": found.percent,
            "wanted": min_coverage,
            "unreached": [str(one) for one in found.unreached],
        },
        "notices": [{"location": str(one.location), "message": one.message} for one in notices],
    }


def _row(case: Case, verdict: Verdict) -> dict[str, Any]:
    return {
        "number": case.number,
        "name": case.title,
        "location": str(case.intent.location or ""),
        "request": verdict.request,
        "from": str(case.sender),
        "outcome": verdict.outcome.value,
        "reason": verdict.reason,
        "predicted": case.predicted,
        "rule": str(case.rule or ""),
        "depends_on": [str(one) for one in case.depends_on],
        "requests": verdict.n,
    }


def _too_few(predicted: Predicted, min_coverage: float) -> Iterator[Verdict]:
    """That too few rules are reached, on the first one that is not: what ends in exit code 1 shows in every form."""
    found = predicted.coverage
    *rules, share = _coverage(predicted, min_coverage, ENGLISH)
    evidence = {"location": str(found.unreached[0])} if found.unreached else {}
    yield Verdict(NAME, "Coverage", Outcome.FAILED, "; ".join([share, *rules]), evidence=evidence)


def _record(verdicts: Sequence[Verdict], notices: Sequence[Notice], code: int) -> Record:
    """The same as a run's record, of which all other forms are made."""
    outcome = worst([verdict.outcome for verdict in verdicts])
    now = datetime.now(UTC).isoformat(timespec="seconds")
    events: list[Event] = [RunStarted("", now, NAME, {"meshproof": meshproof.__version__}, scenarios=(NAME,))]
    events += [ScenarioStarted(NAME, "What is wanted of the manifests.")]
    events += [Noticed(NAME, str(one.location), one.message) for one in notices]
    events += [CheckFinished(redacted(verdict, redact)) for verdict in verdicts]
    events += [ScenarioFinished(NAME, outcome, 0.0), RunFinished(RunOutcome(outcome), 0.0, code)]
    return gather(events)
