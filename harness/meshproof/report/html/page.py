"""report.html: one file that shows a whole run, needs nothing else and reaches for nothing else."""

from __future__ import annotations

import shlex
import sys

from meshproof.border.verdict import SEVERITY, Outcome
from meshproof.language.words import ENGLISH, Words
from meshproof.records import dataclass
from meshproof.report import summary
from meshproof.report.coverage import sentence
from meshproof.report.events import Broke
from meshproof.report.headline.headline import sentence as certified
from meshproof.report.html.checks import REST, SHORT_REASON, CheckView
from meshproof.report.html.environment import own, rendered
from meshproof.report.html.sections import sections
from meshproof.report.html.space import Spaces, spaces, text_lines
from meshproof.report.record import Record

TEMPLATE, SCRIPT = "report.html.j2", "report.js"
MOST_ROWS = 40
STATE, UNDER_WAY = "under way", "The run is under way: this is what is known so far."
NO_LIMIT = sys.maxsize


@dataclass(frozen=True, slots=True)
class ErrorView:
    """What broke; one that is not `printed` is left out on paper."""

    scenario: str
    message: str
    detail: str
    printed: bool


@dataclass(frozen=True, slots=True)
class _Most:
    """How many entries a list has at most, on the page and on paper; `names` are those of one scenario's manifests."""

    notices: int = 200
    scenarios: int = 200
    names: int = 50
    printed_notices: int = 10
    printed_scenarios: int = 10


def render(record: Record, *, full: bool = False, under_way: bool = False, words: Words = ENGLISH) -> str:
    """The page as text, of a bounded size unless it is to show every check in `full`; `under_way` tells more will come.

    It is in the language of `words`, and the same for the same language.

    Raises UsageError when the installation lacks its template.
    """
    command = record.started.command if record.started else ()
    reasons = sum(verdict.outcome is not Outcome.PASSED for verdict in record.verdicts)
    space = spaces(len(record.verdicts), reasons, len(record.errors), full=full)
    errors = [_error(error, space) for error in record.errors]
    shown = sections(record, space, words, full=full)
    return rendered(
        TEMPLATE,
        words,
        record=record,
        script=own(SCRIPT),
        full=full,
        errors=errors,
        sections=shown,
        rows=sorted((row for section in shown for row in section.rows), key=_severity)[:MOST_ROWS],
        scenarios=sorted(record.scenarios.values(), key=lambda one: SEVERITY.index(one.outcome)),
        most=_Most(*(NO_LIMIT,) * 5) if full else _Most(),
        headline=words(UNDER_WAY) if under_way else summary.headline(record, words),
        state=STATE if under_way else record.outcome,
        proved=sentence(record, words),
        certified=certified(record, words),
        closing=summary.result(record, words),
        promise=summary.promise(record, words),
        command=shlex.join(command),
    )


def _severity(row: tuple[str, CheckView]) -> int:
    return SEVERITY.index(row[1].verdict.outcome)


def _error(error: Broke, space: Spaces) -> ErrorView:
    known = space.errors.take(len(error.message) + len(error.detail))
    message = error.message if known else error.message[:SHORT_REASON] + REST * (len(error.message) > SHORT_REASON)
    detail = error.detail if known else ""
    return ErrorView(error.scenario, message, detail, space.paper.take(4 + text_lines(message) + text_lines(detail)))
