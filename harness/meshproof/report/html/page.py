"""report.html: one file that shows a whole run, needs nothing else and reaches for nothing else."""

from __future__ import annotations

import base64
import hashlib
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from meshproof import suite
from meshproof.border.verdict import SEVERITY, Outcome
from meshproof.report import summary, wording
from meshproof.report.coverage import sentence
from meshproof.report.events import Broke
from meshproof.report.headline.headline import sentence as certified
from meshproof.report.html.checks import REST, SHORT_REASON
from meshproof.report.html.sections import sections
from meshproof.report.html.space import Spaces, spaces, text_lines
from meshproof.report.record import Record

TEMPLATE, STYLE, SCRIPT = "report.html.j2", "report.css", "report.js"
MOST_ROWS = 40
NO_LIMIT = sys.maxsize
SIGNS = {
    Outcome.PASSED.value: "✓",
    Outcome.FAILED.value: "✗",
    Outcome.INCONCLUSIVE.value: "?",
    Outcome.SKIPPED.value: "–",
    Outcome.ERROR.value: "!",
}


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


def render(record: Record, *, full: bool = False) -> str:
    """The page as text, of a bounded size unless it is to show every check in `full`.

    Raises UsageError when the installation lacks its template.
    """
    content = suite.folder("reports")
    environment = Environment(
        loader=FileSystemLoader(content),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_shown,
    )
    environment.filters |= {
        name: getattr(wording, name)
        for name in ("share", "specified", "span", "count", "duration", "points", "plural", "number", "line")
    }
    environment.filters |= {"digest": _digest, "sign": lambda outcome: SIGNS.get(str(outcome), "!")}
    command = record.started.command if record.started else ()
    reasons = sum(verdict.outcome is not Outcome.PASSED for verdict in record.verdicts)
    space = spaces(len(record.verdicts), reasons, len(record.errors), full=full)
    errors = [_error(error, space) for error in record.errors]
    shown = sections(record, space, full=full)
    page = environment.get_template(TEMPLATE).render(
        record=record,
        style=_own(content / STYLE),
        script=_own(content / SCRIPT),
        full=full,
        errors=errors,
        sections=shown,
        rows=[row for section in shown for row in section.rows][:MOST_ROWS],
        scenarios=sorted(record.scenarios.values(), key=lambda one: SEVERITY.index(one.outcome)),
        most=_Most(*(NO_LIMIT,) * 5) if full else _Most(),
        headline=summary.headline(record),
        proved=sentence(record),
        certified=certified(record),
        closing=summary.result(record),
        promise=summary.promise(record),
        command=shlex.join(command),
    )
    # What printable() leaves can always be encoded; a template's own text is UTF-8 as it stands.
    return page.rstrip("\n") + "\n"


def _error(error: Broke, space: Spaces) -> ErrorView:
    known = space.errors.take(len(error.message) + len(error.detail))
    message = error.message if known else error.message[:SHORT_REASON] + REST * (len(error.message) > SHORT_REASON)
    detail = error.detail if known else ""
    return ErrorView(error.scenario, message, detail, space.paper.take(4 + text_lines(message) + text_lines(detail)))


def _shown(value: Any) -> Any:
    """Every text that the template puts out shows all its characters, besides being escaped."""
    return wording.printable(value) if type(value) is str else value


def _own(path: Path) -> Markup:
    """The text of a file of ours, which goes into the page as it stands."""
    return Markup(path.read_text(encoding="utf-8"))  # noqa: S704


def _digest(text: str) -> str:
    """The hash source by which a Content-Security-Policy allows one inline element (CSP Level 3, section 2.3.1)."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
