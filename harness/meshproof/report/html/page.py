"""report.html: one file that shows a whole run, needs nothing else and reaches for nothing else."""

from __future__ import annotations

import base64
import hashlib
import json
import shlex
from dataclasses import dataclass
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from meshproof import suite
from meshproof.border.verdict import Outcome, Verdict
from meshproof.report import summary, wording
from meshproof.report.coverage import sentence
from meshproof.report.html.answer_table import Row, rows
from meshproof.report.html.convergence import convergence
from meshproof.report.record import Record, ScenarioRecord

TEMPLATE = "report.html.j2"
WIDE, NARROW = 760.0, 380.0
MOST_EVIDENCE = 4000
SIGNS = {
    Outcome.PASSED.value: "✓",
    Outcome.FAILED.value: "✗",
    Outcome.INCONCLUSIVE.value: "?",
    Outcome.SKIPPED.value: "–",
    Outcome.ERROR.value: "!",
}


@dataclass(frozen=True, slots=True)
class CheckView:
    """A verdict as the template shows it; `plots` are the same picture for a wide and for a narrow page."""

    id: str
    verdict: Verdict
    names: list[str]
    plots: list[Markup]
    answers: tuple[Row, ...]
    evidence: str


@dataclass(frozen=True, slots=True)
class ScenarioView:
    id: str
    scenario: ScenarioRecord
    checks: list[CheckView]


def render(record: Record) -> str:
    """The page as text. Raises UsageError when the installation lacks its template."""
    environment = Environment(
        loader=FileSystemLoader(suite.folder("reports")),
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
    page = environment.get_template(TEMPLATE).render(
        record=record,
        scenarios=[_scenario(i, one) for i, one in enumerate(record.scenarios.values(), start=1)],
        headline=summary.headline(record),
        proved=sentence(record),
        closing=summary.result(record),
        promise=summary.promise(record),
        command=shlex.join(command),
    )
    # What printable() leaves can always be encoded; a template's own text is UTF-8 as it stands.
    return page.rstrip("\n") + "\n"


def _shown(value: Any) -> Any:
    """Every text that the template puts out shows all its characters, besides being escaped."""
    return wording.printable(value) if type(value) is str else value


def _digest(style: str) -> str:
    """The hash source by which a Content-Security-Policy allows one inline style (CSP Level 3, section 2.3.1)."""
    return "sha256-" + base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()


def _scenario(number: int, scenario: ScenarioRecord) -> ScenarioView:
    checks = [_check(f"check-{number}-{i}", scenario, one) for i, one in enumerate(scenario.verdicts, start=1)]
    return ScenarioView(f"scenario-{number}", scenario, checks)


def _check(id_: str, scenario: ScenarioRecord, verdict: Verdict) -> CheckView:
    trail = scenario.trail(verdict)
    plots = [convergence(f"{id_}-{width:g}", verdict, trail, width) for width in (WIDE, NARROW)] if verdict.arms else []
    answers = rows(verdict.evidence)
    shown = {name: value for name, value in verdict.evidence.items() if not (answers and name == "table")}
    evidence = json.dumps(shown, indent=2, ensure_ascii=False, default=str) if shown else ""
    if len(evidence) > MOST_EVIDENCE:
        evidence = evidence[:MOST_EVIDENCE] + "\n… (the rest is in report.json)"
    return CheckView(
        id_, verdict, wording.short_names(verdict.arms), [plot for plot in plots if plot], answers, evidence
    )
