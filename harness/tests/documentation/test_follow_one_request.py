"""What the page shows of one request's way is what Python prints."""

from __future__ import annotations

import doctest
from pathlib import Path

ROOT = Path(__file__).parents[3]


def test_the_session_prints_what_the_page_shows(monkeypatch) -> None:
    monkeypatch.chdir(ROOT)
    page = ROOT / "docs/follow-one-request.md"
    done = doctest.testfile(str(page), module_relative=False, encoding="utf-8")
    assert done.attempted > 20
    assert done.failed == 0


def test_the_weight_is_the_scenario_s_own(page) -> None:
    (shown,) = page("docs/follow-one-request.md").blocks("yaml")
    assert shown in (ROOT / "scenarios/canary/weight-10.yaml").read_text(encoding="utf-8")
