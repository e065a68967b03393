"""A run in the form that was asked for, on standard output."""

from __future__ import annotations

import os
from pathlib import Path

from meshproof.errors import UsageError
from meshproof.report import junit
from meshproof.report.record import Record
from meshproof.report.review import github, gitlab

JUNIT, GITHUB, GITLAB = "junit", "github", "gitlab"


def rendered(form: str, record: Record) -> str:
    """The text of one of these forms; where GitHub asks for a job's summary, it is added there. Raises UsageError."""
    if form == JUNIT:
        return junit.render(record)
    if form == GITLAB:
        return gitlab.render(record)
    _summarized(github.summary(record))
    return github.commands(record)


def _summarized(text: str) -> None:
    """Add a text to the summary of the job that this is a step of; raises UsageError."""
    path = os.environ.get(github.SUMMARY, "")
    if not path:
        return
    try:
        with Path(path).open("a", encoding="utf-8", errors="backslashreplace") as file:
            file.write(text)
    except (OSError, ValueError) as error:
        raise UsageError(f"{github.SUMMARY}: {path} cannot be written: {error}") from None
