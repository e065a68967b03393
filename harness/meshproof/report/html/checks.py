"""The views of single checks: whole with plot, table and evidence, or one line."""

from __future__ import annotations

import json
from dataclasses import dataclass

from markupsafe import Markup, escape

from meshproof.border.verdict import Outcome, Verdict
from meshproof.report import wording
from meshproof.report.html.answer_table import Row, rows
from meshproof.report.html.convergence import convergence
from meshproof.report.html.space import Spaces, printed_lines, text_lines
from meshproof.report.record import ScenarioRecord

WIDE, NARROW = 760.0, 380.0
MOST_EVIDENCE = 4000
# Of a table of answers at most so many rows that passed are shown.
PASSED_ROWS = 50
CHECK_BYTES, ARM_BYTES, ROW_BYTES = 1300, 480, 420
SHORT_REASON = 120
REST = " … (the rest is in report.json)"


@dataclass(frozen=True, slots=True)
class CheckView:
    """A verdict as the template shows it; `plots` are the same picture for a wide and for a narrow page.

    One that is not `whole` takes one line, with `reason` where it did not pass; one that is not `printed` is left out
    on paper. `left_out` counts the answers that are not shown.
    """

    id: str
    verdict: Verdict
    names: list[str]
    whole: bool
    printed: bool
    reason: str
    plots: list[Markup]
    answers: tuple[Row, ...]
    left_out: int
    evidence: str


def whole(id_: str, scenario: ScenarioRecord, verdict: Verdict, spaces: Spaces, *, full: bool) -> CheckView | None:
    """All of a check, without its plot where there is no space for that; None where there is not even for the rest."""
    answers = rows(verdict.evidence)
    shown = {name: value for name, value in verdict.evidence.items() if not (answers and name == "table")}
    evidence = json.dumps(shown, indent=2, ensure_ascii=False, default=str) if shown else ""
    if len(evidence) > MOST_EVIDENCE and not full:
        evidence = evidence[:MOST_EVIDENCE] + "\n…" + REST[2:]
    size = (
        CHECK_BYTES + ARM_BYTES * len(verdict.arms) + _size(verdict.reason) + _size(evidence) + _size(verdict.request)
    )
    if not spaces.checks.take(size):
        return None
    kept, passed = [], 0
    for row in answers:
        passed += row.outcome == Outcome.PASSED
        if full or (passed <= PASSED_ROWS and spaces.texts.take(ROW_BYTES + sum(map(_size, (row.request, row.rule))))):
            kept.append(row)
    plots = _plots(id_, scenario, verdict)
    if not spaces.plots.take(sum(map(len, plots))):
        plots = []
    printed = spaces.paper.take(printed_lines(verdict, bool(plots)))
    names = wording.short_names(verdict.arms)
    left_out = len(answers) - len(kept)
    return CheckView(id_, verdict, names, True, printed, verdict.reason, plots, tuple(kept), left_out, evidence)


def line(id_: str, verdict: Verdict, spaces: Spaces) -> CheckView:
    """One line of a check, with the reason of one that did not pass (cut where there is no space for all of it)."""
    reason, printed = "", False
    if verdict.outcome is not Outcome.PASSED:
        reason = verdict.reason
        if len(reason) > SHORT_REASON and not spaces.texts.take(_size(reason)):
            reason = reason[:SHORT_REASON] + REST
        printed = spaces.paper.take(2 + text_lines(reason))
    return CheckView(id_, verdict, wording.short_names(verdict.arms), False, printed, reason, [], (), 0, "")


def _plots(id_: str, scenario: ScenarioRecord, verdict: Verdict) -> list[Markup]:
    if not verdict.arms:
        return []
    trail = scenario.trail(verdict)
    plots = (convergence(f"{id_}-{width:g}", verdict, trail, width) for width in (WIDE, NARROW))
    return [plot for plot in plots if plot]


def _size(text: str) -> int:
    return len(escape(text).encode(errors="backslashreplace"))
