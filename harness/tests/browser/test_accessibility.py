"""No rule of axe-core is violated, in the report as it opens and with all that it folds.

axe-core is Deque's, under the MPL-2.0: it is fetched where these tests run (tox -e browser), and is no part of the
project. MESHPROOF_AXE names its axe.min.js.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from meshproof.language.words import words

from ..report.large_run import large_run
from ..report.pictured_run import pictured_run
from .conftest import Show

AXE = os.environ.get("MESHPROOF_AXE", "")
OPEN = "for (const one of document.querySelectorAll('details')) one.open = true"
RUN = """axe.run(document, {resultTypes: ['violations']}).then((found) => found.violations.map(
  (one) => `${one.id}: ${one.nodes.slice(0, 3).map((node) => node.html.slice(0, 200)).join(' | ')}`))"""

pytestmark = pytest.mark.skipif(not AXE, reason="MESHPROOF_AXE does not name axe-core: tox -e browser fetches it")


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [360, 1200])
@pytest.mark.parametrize("run", ["pictured", "large"])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_report_has_no_violation(show: Show, language: str, run: str, width: int, dark: bool) -> None:
    events = pictured_run() if run == "pictured" else large_run(100, failed=(7, 9), inconclusive=(12,), requests=100)
    tab = show(events, words(language))
    tab.wide(width, dark=dark, phone=width < 600)
    if run == "pictured":
        tab.run(OPEN)
    tab.run(Path(AXE).read_text(encoding="utf-8") + "; void 0")
    assert tab.run(RUN) == []
