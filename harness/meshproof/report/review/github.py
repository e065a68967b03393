"""Annotations on the lines of a pull request, and a summary of the job.

https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands
"""

from __future__ import annotations

from collections.abc import Iterator

from meshproof.border.verdict import Outcome
from meshproof.lint.render.paths import relative
from meshproof.report.coverage import sentence
from meshproof.report.record import INTERRUPTED, Record
from meshproof.report.review.remark import WRONG, Remark, remarks
from meshproof.report.wording import line, printable, tally

SUMMARY = "GITHUB_STEP_SUMMARY"
MOST_ROWS = 50


def commands(record: Record) -> str:
    """A workflow command for each remark, one a line."""
    return "".join(f"{_command(one)}\n" for one in remarks(record))


def _command(one: Remark) -> str:
    level = "error" if one.outcome in WRONG else "notice"
    fields = {"file": relative(one.place.file), "line": one.place.line, "col": one.place.column} if one.place else {}
    named = ",".join(f"{name}={_property(str(value))}" for name, value in {**fields, "title": one.title}.items())
    return f"::{level} {named}::{_data(printable(one.text))}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def summary(record: Record) -> str:
    """The run in Markdown."""
    return "\n".join(_summary(record)) + "\n"


def _summary(record: Record) -> Iterator[str]:
    outcomes = [verdict.outcome for verdict in record.verdicts]
    yield f"## meshproof: {record.outcome}"
    yield ""
    yield f"{tally(outcomes) or 'no checks'}{' (interrupted)' if record.outcome == INTERRUPTED else ''}"
    if proved := sentence(record):
        yield ""
        yield _cell(proved)
    rows = [one for one in remarks(record) if one.outcome in WRONG]
    if rows:
        yield from ("", "| | where | why |", "|---|---|---|")
        for one in rows[:MOST_ROWS]:
            where = f"`{relative(one.place.file)}:{one.place.line}`" if one.place else ""
            yield f"| {_cell(one.title)} | {where.replace('|', '')} | {_cell(one.text)} |"
        if len(rows) > MOST_ROWS:
            yield f"| and {len(rows) - MOST_ROWS:,} more | | |"
    notices = sum(one.outcome in (None, Outcome.SKIPPED) for one in remarks(record))
    if notices:
        yield from ("", f"{notices:,} notice{'s' * (notices != 1)} in the log")


def _cell(text: str) -> str:
    """Text in a table of Markdown: no markup of its own."""
    shown = line(text).replace("&", "&amp;").replace("<", "&lt;").replace("\\", "\\\\").replace("|", "\\|")
    return "".join(f"\\{one}" if one in "`*_[]" else one for one in shown)
