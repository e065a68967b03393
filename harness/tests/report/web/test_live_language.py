"""The live page in Chinese: its own words, those of its script, and the report so far."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest
from meshproof.language.words import words
from meshproof.report.events import Event
from meshproof.report.run_folder import RunFolder
from meshproof.report.web.live import Live


@pytest.fixture
def live(tmp_path: Path, mixed_run: list[Event]) -> Iterator[Live]:
    folder = RunFolder(tmp_path / "run", words("zh"))
    made = Live(folder.path, words("zh"))
    for event in mixed_run[:20]:
        folder.handle(event)
        made.handle(event)
    yield made
    made.close()
    folder.close()


def read(live: Live, name: str) -> str:
    with urlopen(live.url + name, timeout=60) as answer:
        return str(answer.read().decode())


def test_the_page_and_its_script_are_chinese(live: Live) -> None:
    page = read(live, "")
    assert '<html lang="zh-CN" data-told="{' in page
    assert '<h1 id="headline" aria-live="polite">运行开始。</h1>' in page
    assert "&#34;Connected.&#34;: &#34;已连接。&#34;" in page


def test_what_happens_is_told_in_chinese_and_states_by_their_codes(live: Live) -> None:
    with urlopen(f"{live.url}events", timeout=60) as answer:
        told = json.loads(next(row for row in answer if row.startswith(b"data: ")).removeprefix(b"data: "))
    assert told["headline"] == "正在 embedded 上运行。"
    assert {row["state"] for row in told["rows"]} <= {"waiting", "running", "passed", "failed", "inconclusive"}


def test_the_report_so_far_is_chinese(live: Live) -> None:
    page = read(live, "report.html")
    assert "运行正在进行：以下是目前已知的结果。" in page
    assert "进行中" in page
