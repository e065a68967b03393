"""The report in Chinese: what its script makes is in Chinese, too, and its filter and order work on these words."""

from __future__ import annotations

import pytest
from meshproof.language.words import words

from ..report.large_run import large_run
from ..report.pictured_run import pictured_run
from .conftest import Show

LATIN = r"/[a-z]{3,}/i"


def test_what_a_person_handles_is_in_chinese(show: Show) -> None:
    tab = show(large_run(60, failed=(7,), inconclusive=(12,)), words("zh"))
    assert tab.run("document.documentElement.lang") == "zh-CN"
    assert not tab.run(f"{LATIN}.test(document.querySelector('#tools').innerText)")
    assert not tab.run(f"{LATIN}.test(document.querySelector('#checks thead').innerText)")
    headings = tab.run("[...document.querySelectorAll('h2')].map((one) => one.innerText)")
    assert [one.split()[0] for one in headings][:4] == ["检查", "失败", "无法判定", "通过"]


def test_the_filter_counts_in_chinese(show: Show) -> None:
    tab = show(large_run(60, failed=(7,), inconclusive=(12,)), words("zh"))
    assert tab.run("document.querySelector('#tools output').value") == "60 项检查"
    tab.run("document.querySelector('[value=passed]').click()")
    tab.until("document.querySelector('#tools output').value === '60 项检查中的 2 项'")
    assert tab.said == []


def test_the_table_is_sorted_by_outcome(show: Show) -> None:
    tab = show(pictured_run(), words("zh"))
    found = "[...document.querySelectorAll('#checks tbody tr')].map((row) => row.cells[2].innerText.slice(2))"
    press = "document.querySelectorAll('#checks th button')[2].click()"
    tab.run(press)
    assert tab.run(found) == ["失败", "失败", "通过", "通过"]
    tab.run(press)
    assert tab.run(found) == ["通过", "通过", "失败", "失败"]


@pytest.mark.parametrize("width", [360, 1200])
def test_nothing_is_wider_than_the_window(show: Show, width: int) -> None:
    tab = show(pictured_run(), words("zh"))
    tab.wide(width, phone=width < 600)
    tab.run("for (const one of document.querySelectorAll('details')) one.open = true")
    assert tab.run("document.documentElement.scrollWidth") <= width
