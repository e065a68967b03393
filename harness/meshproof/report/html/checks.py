"""The views of single checks: whole with plot, table and evidence, or one line."""

from __future__ import annotations

import json

from markupsafe import escape

from meshproof.border.verdict import Outcome, Verdict
from meshproof.language.words import Words
from meshproof.records import dataclass
from meshproof.report import wording
from meshproof.report.events import CheckShown, Example
from meshproof.report.html.answer_table import Row, rows, tally
from meshproof.report.html.pictures.latency import summary
from meshproof.report.html.pictures.picture import Picture, pictures
from meshproof.report.html.pictures.steps import Step, steps
from meshproof.report.html.space import Spaces, printed_lines, text_lines
from meshproof.report.record import ScenarioRecord

MOST_EVIDENCE = 4000
# Of a table of answers at most so many rows that passed are shown.
PASSED_ROWS = 50
CHECK_BYTES, ARM_BYTES, ROW_BYTES, EXAMPLE_BYTES, STEP_BYTES = 1500, 480, 420, 380, 420
SHORT_REASON = 120
REST = " … (the rest is in report.json)"


@dataclass(frozen=True, slots=True)
class CheckView:
    """A verdict as the template shows it.

    One that is not `whole` takes one line, with `reason` where it did not pass; one that is not `printed` is left out
    on paper. `shown` are the rules and requests that it is about, `took` how long these took, `steps` those of a
    breaker. `answered` says who is to answer how many requests; `left_out` counts the answers that are not shown.
    """

    id: str
    verdict: Verdict
    names: list[str]
    whole: bool
    printed: bool
    reason: str
    pictures: tuple[Picture, ...] = ()
    shown: CheckShown | None = None
    took: str = ""
    steps: tuple[Step, ...] = ()
    answers: tuple[Row, ...] = ()
    answered: str = ""
    left_out: int = 0
    evidence: str = ""


def whole(
    id_: str, scenario: ScenarioRecord, verdict: Verdict, spaces: Spaces, words: Words, *, full: bool
) -> CheckView | None:
    """All of a check, without its plot where there is no space for that; None where there is not even for the rest."""
    answers, several = rows(verdict.evidence), steps(verdict.evidence)
    hidden = {"table"} if answers else {"steps"} if several else set()
    rest = {name: value for name, value in verdict.evidence.items() if name not in hidden}
    evidence = json.dumps(rest, indent=2, ensure_ascii=False, default=str) if rest else ""
    if len(evidence) > MOST_EVIDENCE and not full:
        evidence = evidence[:MOST_EVIDENCE] + "\n…" + REST[2:]
    shown = scenario.about(verdict)
    size = CHECK_BYTES + ARM_BYTES * len(verdict.arms) + STEP_BYTES * len(several)
    size += sum(map(_size, (verdict.reason, evidence, verdict.request)))
    if not spaces.checks.take(size):
        return None
    if shown is not None and not spaces.texts.take(_shown_size(shown)):
        shown = None
    kept, passed = [], 0
    for row in answers:
        passed += row.outcome == Outcome.PASSED
        if full or (passed <= PASSED_ROWS and spaces.texts.take(ROW_BYTES + sum(map(_size, (row.request, row.rule))))):
            kept.append(row)
    drawn = tuple(one for one in pictures(id_, scenario, verdict, words) if spaces.plots.take(one.size))
    printed = spaces.paper.take(printed_lines(verdict, sum(one.lines for one in drawn)))
    return CheckView(
        id_,
        verdict,
        wording.short_names(verdict.arms),
        True,
        printed,
        verdict.reason,
        drawn,
        shown,
        summary(shown.latencies, words) if shown and shown.latencies else "",
        several,
        tuple(kept),
        tally(answers),
        len(answers) - len(kept),
        evidence,
    )


def line(id_: str, verdict: Verdict, spaces: Spaces) -> CheckView:
    """One line of a check, with the reason of one that did not pass (cut where there is no space for all of it)."""
    reason, printed = "", False
    if verdict.outcome is not Outcome.PASSED:
        reason = verdict.reason
        if len(reason) > SHORT_REASON and not spaces.texts.take(_size(reason)):
            reason = reason[:SHORT_REASON] + REST
        printed = spaces.paper.take(2 + text_lines(reason))
    return CheckView(id_, verdict, wording.short_names(verdict.arms), False, printed, reason)


def _shown_size(shown: CheckShown) -> int:
    quotes = sum(_size(one.location) + _size(one.text) + 120 for one in (*shown.specified, *shown.applied))
    kinds = sum(_size(kind) + 60 for kind in shown.answers)
    return quotes + kinds + sum(map(_example_size, shown.examples))


def _example_size(one: Example) -> int:
    words = (one.id, one.request, one.answered_by, one.error, *(text for pair in one.headers for text in pair))
    return EXAMPLE_BYTES + sum(map(_size, words))


def _size(text: str) -> int:
    return len(escape(text).encode(errors="backslashreplace"))
