"""Findings on the lines of a merge request, as GitLab's code quality report has them.

https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter

from meshproof.border.verdict import Outcome
from meshproof.lint.render.paths import relative
from meshproof.report.record import Record
from meshproof.report.review.remark import Remark, remarks
from meshproof.report.wording import line

SEVERITY = {
    Outcome.ERROR: "critical",
    Outcome.FAILED: "major",
    Outcome.INCONCLUSIVE: "minor",
    Outcome.SKIPPED: "info",
    None: "info",
}
NOWHERE = "meshproof"


def render(record: Record) -> str:
    """The whole document."""
    known: Counter[str] = Counter()
    found = []
    for one in remarks(record):
        # The same finding of another run has the same fingerprint: no numbers that are drawn, and no line, which moves.
        same = "\n".join((one.title, _file(one), one.text if one.outcome is None else ""))
        known[same] += 1
        found.append(_finding(one, f"{same}\n{known[same]}"))
    return json.dumps(found, indent=2) + "\n"


def _finding(one: Remark, same: str) -> dict[str, object]:
    return {
        "description": line(f"{one.title}: {one.text}"),
        "check_name": f"meshproof/{one.title.partition(' ')[0]}",
        "fingerprint": hashlib.sha256(same.encode("utf-8", "backslashreplace")).hexdigest(),
        "severity": SEVERITY[one.outcome],
        "location": {"path": _file(one), "lines": {"begin": one.place.line if one.place else 1}},
    }


def _file(one: Remark) -> str:
    return relative(one.place.file) if one.place else NOWHERE
