"""A run in Chinese: what people read is, and what programs read is what it is in English."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from io import StringIO
from pathlib import Path

from meshproof.language.words import words
from meshproof.language.wrap import columns
from meshproof.report.events import Event
from meshproof.report.html.page import render
from meshproof.report.log import EventLog
from meshproof.report.record import gather
from meshproof.report.run_folder import rebuild
from meshproof.report.terminal.terminal import Terminal

CHINESE = words("zh")
GOLDEN = Path(__file__).parents[1] / "golden" / "report.zh.header.html"
MACHINES = ("report.json", "junit.xml", "certificate.yaml", "certificate.json", "certificate.statement.json")


def test_the_head_of_the_page_is_as_it_was(mixed_run: list[Event]) -> None:
    (header,) = re.findall(r"<header>.*?</header>\n", render(gather(mixed_run), words=CHINESE), re.DOTALL)
    if os.environ.get("MESHPROOF_UPDATE_GOLDEN"):
        GOLDEN.write_text(header, encoding="utf-8")
    assert header == GOLDEN.read_text(encoding="utf-8")


def test_the_page_says_its_language_and_has_the_texts_of_its_script(mixed_run: list[Event]) -> None:
    english, chinese = (render(gather(mixed_run), words=one) for one in (words("en"), CHINESE))
    assert '<html lang="en">' in english
    assert '<html lang="zh-CN" data-told="{' in chinese
    assert "&#34;worst first&#34;: &#34;最差的在前&#34;" in chinese
    for text in ("Specified → observed", "Reproduce", "Notices", "Each request"):
        assert f">{text}" not in chinese


def test_reasons_and_notices_stay_as_they_are(mixed_run: list[Event]) -> None:
    record = gather(mixed_run)
    page = render(record, words=CHINESE)
    reasons = [verdict.reason for verdict in record.verdicts if verdict.reason]
    assert reasons
    assert [one for one in reasons if one.split("<")[0][:40] not in page] == []


def test_a_run_is_rebuilt_in_a_language_and_what_programs_read_has_none(mixed_run: list[Event], tmp_path: Path) -> None:
    log = EventLog(tmp_path / "events.ndjson")
    for event in mixed_run:
        log.handle(event)
    log.close()
    made = [_made(tmp_path, language) for language in ("en", "zh", "en", "zh")]
    assert made[0] == made[2]
    assert made[1] == made[3]
    assert made[0]["report.html"] != made[1]["report.html"]
    assert {name for name in made[0] if made[0][name] != made[1][name]} == {"report.html"}
    assert {*MACHINES, "events.ndjson"} < made[0].keys()


def _made(run: Path, language: str) -> dict[str, bytes]:
    rebuild(run, words=words(language))
    return {path.name: path.read_bytes() for path in run.iterdir()}


def test_the_table_is_chinese_in_columns(mixed_run: list[Event]) -> None:
    out = told(mixed_run)
    rows = [line for line in out.splitlines() if re.match(r"  \S+ +\S+ (?:passed|failed|inconclusive) ", line)]
    assert len(rows) > 2
    # The numbers of all rows end in one column, however wide the words before them are.
    ends = {columns(found[0]) for row in rows if (found := re.match(r"  \S+ +\S+ \w+ +[\d,]+", row))}
    assert len(ends) == 1
    assert max(map(columns, out.splitlines())) <= 80
    assert "失败 failed" in out
    assert "测试工具或目标环境出错 error：4 个场景，失败 1，无法判定 1，通过 3，用时 2.4 s" in out


def told(run: Iterable[Event]) -> str:
    out = StringIO()
    terminal = Terminal(out, StringIO(), environ={"TERM": "dumb", "COLUMNS": "80"}, words=CHINESE)
    for event in run:
        terminal.handle(event)
    terminal.close()
    return out.getvalue()
