"""The table of answers in report.html: failures first, all text escaped, and other evidence left as it is."""

from __future__ import annotations

from typing import Any

import pytest
from meshproof.border.verdict import Outcome, Verdict
from meshproof.report.events import CheckFinished, Event
from meshproof.report.html.answer_table import rows, tally
from meshproof.report.html.page import render
from meshproof.report.record import gather


def row(request: str, outcome: str = "passed", **more: Any) -> dict[str, Any]:
    return (
        {"request": request, "specified": "404 by the proxy", "rule": "a.yaml:1:2", "observed": "x"}
        | more
        | {"outcome": outcome}
    )


def page(*table: object) -> str:
    verdict = Verdict("S", "Answers", Outcome.FAILED, "why", evidence={"times": 2, "table": list(table)})
    events: list[Event] = [CheckFinished(verdict)]
    return render(gather(events))


def test_failed_requests_come_first() -> None:
    table = [row("GET /a"), row("GET /b", "failed"), row("GET /c", "inconclusive"), row("GET /d")]
    assert [one.request for one in rows({"table": table})] == ["GET /b", "GET /c", "GET /a", "GET /d"]


@pytest.mark.parametrize(
    "table",
    ["text", [1], [{"request": "x"}], [row("x", "splendid")], [row("x", observed=3)], [row("x"), None]],
)
def test_other_evidence_is_no_table(table: object) -> None:
    assert rows({"table": table}) == ()
    assert rows({}) == ()


def test_the_page_shows_each_request_once_and_escaped() -> None:
    text = page(row("GET http://h/<script>", "failed", observed="<b>200</b> by \u202epod"))
    assert text.count("GET http://h/&lt;script&gt;") == 1
    assert "<b>200" not in text
    assert "\u202e" not in text
    assert "<details open>" in text
    assert "404 by the proxy" in text
    assert "&#34;times&#34;: 2" in text
    assert "&#34;table&#34;" not in text


def test_who_is_to_answer_is_counted_where_that_is_told() -> None:
    told = [row("GET /a", by="by pods"), row("GET /b", by="by the proxy with 404"), row("GET /c", by="by pods")]
    assert tally(rows({"table": [*told, row("GET /d"), row("GET /e", by=3)]})) == "2 by pods, 1 by the proxy with 404"
    assert "<summary>Each request: 2 by pods, 1 by the proxy with 404</summary>" in page(*told)
    assert "<summary>Each request</summary>" in page(row("GET /d"))


def test_a_table_of_another_form_stays_evidence() -> None:
    assert "&#34;table&#34;" in page(1)
