"""The report in a real browser: what its pictures say, its filter, order and links, and that its policy lets it."""

from __future__ import annotations

import json

import pytest

from ..report.large_run import large_run, request
from ..report.pictured_run import HEADER, pictured_run
from .chromium import Tab
from .conftest import Show

SHOWN = "[...document.querySelectorAll('article.card, .lines > li')].filter((one) => one.checkVisibility())"
LABELS = "[...document.querySelectorAll('svg.wide title')].map((one) => one.textContent)"
DETAILS = "[...document.querySelectorAll('svg.wide desc')].map((one) => one.textContent)"


def texts(tab: Tab, title: str) -> list[str]:
    """What is written in the picture of that title."""
    drawing = f"[...document.querySelectorAll('svg.wide')].find((one) => one.textContent.includes({json.dumps(title)}))"
    found: list[str] = tab.run(f"[...{drawing}.querySelectorAll('text')].map((one) => one.textContent)")
    return found


def test_pictures_have_the_right_numbers_in_their_labels(show: Show) -> None:
    tab = show(pictured_run())
    assert [one.partition(": ")[2] for one in tab.run(LABELS)] == [
        "requests in flight, failed",
        "how long its requests took",
        "the mirror's ledger, failed",
        "how long its requests took",
        "hosts out of the pool, passed",
        "how long its requests took",
        "passed after 1,000 requests",
        "how long its requests took",
    ]
    described = tab.run(DETAILS)
    assert described[0] == "of 3 requests at once 1 in flight at the pod, 1 waiting, 1 refused."
    assert described[2].startswith("requests sent: 800; primaries that arrived: 800; copies that arrived: 793;")
    assert described[4].startswith("ejection 1: 3.1 s from 1.00 s on; ejection 2: 7.0 s from 4.50 s on;")
    assert described[7].endswith("all within 631 ms; 500 ms of delay specified.")
    assert texts(tab, "mirror's ledger")[1::2] == ["800", "800", "793", "793", "7"]
    assert "ejection 2: 7.0 s" in texts(tab, "hosts out of the pool")
    assert "all fail: 2 out at once: 500 ms" in texts(tab, "hosts out of the pool")
    assert tab.said == []


def test_rules_are_quoted_and_hostile_headers_are_text(show: Show) -> None:
    tab = show(pictured_run())
    quoted = tab.run("[...document.querySelectorAll('.card:first-of-type pre')].map((one) => one.innerText)")
    assert "maxConnections: 1" in quoted[0]
    assert "maxConnections: 9" in quoted[1]
    tab.run("for (const one of document.querySelectorAll('details')) one.open = true")
    assert f"server: {HEADER}" in tab.run("document.body.innerText")
    assert tab.run("document.querySelectorAll('script').length") == 1
    assert tab.said == []


def test_the_filter_shows_what_matches_and_opens_it(show: Show) -> None:
    tab = show(large_run(60, failed=(7,), inconclusive=(12,)))
    assert tab.run("document.querySelector('#tools output').value") == "60 checks"
    tab.run("document.querySelector('#find').focus()")
    tab.type("rule/33 ")
    tab.until("document.querySelector('#tools output').value === '1 of 60 checks'")
    assert tab.run(f"{SHOWN}.map((one) => one.querySelector('code').textContent)") == [request(33)]
    assert tab.run("location.hash") == "#?find=rule%2F33+"
    tab.run("document.querySelector('#find').value = ''; document.querySelector('[value=passed]').click()")
    tab.until("document.querySelector('#tools output').value === '2 of 60 checks'")
    assert tab.run(f"{SHOWN}.map((one) => one.querySelector('code').textContent)") == [request(7), request(12)]
    assert tab.said == []


def test_a_link_leads_to_its_check_and_keeps_a_filter(show: Show) -> None:
    tab = show(large_run(60, failed=(7,)))
    place = tab.run("location.href")
    name = tab.run("[...document.querySelectorAll('.bundle .lines > li')].at(-1).id")
    tab.open(f"{place}#{name}")
    tab.until("document.activeElement.id !== ''")
    assert tab.run("document.activeElement.id") == name
    assert tab.run("document.activeElement.checkVisibility()")
    tab.run("location.hash = '#?find=rule%2F9&order=name'")
    tab.until("document.querySelector('#tools output').value === '1 of 60 checks'")
    assert tab.run("document.querySelector('#order').value") == "name"


def test_the_table_is_sorted_by_each_column_with_the_keyboard(show: Show) -> None:
    tab = show(pictured_run())
    tab.run("document.querySelectorAll('#checks th button')[3].focus()")
    tab.key("Enter", 13)
    tab.run("document.activeElement.click()")
    sent = "[...document.querySelectorAll('#checks tbody tr')].map((row) => row.cells[3].textContent)"
    assert tab.run(sent) == ["303", "560", "800", "1,000"]
    assert tab.run("document.querySelector('#checks th:nth-child(4)').getAttribute('aria-sort')") == "ascending"
    tab.run("document.activeElement.click()")
    assert tab.run(sent) == ["1,000", "800", "560", "303"]


def test_groups_are_put_in_order(show: Show) -> None:
    tab = show(large_run(30))
    tab.run("const o = document.querySelector('#order'); o.value = 'name'; o.dispatchEvent(new Event('change'))")
    names = tab.run("[...document.querySelectorAll('.group > summary')].map((one) => one.textContent.split(' ')[0])")
    assert names == sorted(names, key=lambda one: (one.split(":")[0], int(one.split(":")[1])))
    assert len(names) == 30


@pytest.mark.parametrize("width", [360, 1200])
def test_nothing_is_wider_than_the_window(show: Show, width: int) -> None:
    tab = show([*pictured_run()])
    tab.wide(width, phone=width < 600)
    tab.run("for (const one of document.querySelectorAll('details')) one.open = true")
    assert tab.run("document.documentElement.scrollWidth") <= width


def test_the_name_of_a_check_is_not_broken_in_the_table(show: Show) -> None:
    tab = show(pictured_run())
    tab.wide(640, phone=False)
    names = tab.run("[...document.querySelectorAll('td.kind')].map((one) => one.textContent)")
    assert "OutlierDetection" in names
    lines = """[...document.querySelectorAll('td.kind')].map((one) => {
        const range = document.createRange(); range.selectNodeContents(one); return range.getClientRects().length; })"""
    assert tab.run(lines) == [1] * len(names)


def test_paper_gets_few_pages_and_the_annex_on_demand(show: Show) -> None:
    tab = show(large_run(300, failed=tuple(range(0, 300, 3))))
    assert pages(tab) <= 10
    tab.run("[...document.querySelectorAll('#tools input[type=checkbox]')].at(-1).click()")
    assert pages(tab) > 10


def pages(tab: Tab) -> int:
    return tab.printed().count(b"/Type /Page\n")
