"""A browser for the pages that meshproof makes; without one these tests are skipped, with the reason."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest
from meshproof.language.words import ENGLISH, Words
from meshproof.report.events import Event
from meshproof.report.html.page import render
from meshproof.report.record import gather

from .chromium import Chromium, Tab, executable, running

Show = Callable[..., Tab]


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    path = executable()
    if path is None:
        if os.environ.get("MESHPROOF_BROWSER"):
            pytest.fail("no Chromium on PATH (Debian: apt-get install chromium)")
        pytest.skip("no Chromium on PATH (Debian: apt-get install chromium)")
    with running(path, tmp_path_factory.mktemp("chromium")) as browser:
        yield browser


@pytest.fixture
def tab(chromium: Chromium) -> Iterator[Tab]:
    made = chromium.tab()
    yield made
    made.close()


@pytest.fixture
def show(tab: Tab, tmp_path: Path) -> Show:
    """Opens the report of a run, in English or as `words` say."""

    def opened(events: Iterable[Event], words: Words = ENGLISH) -> Tab:
        page = tmp_path / "report.html"
        page.write_text(render(gather(events), words=words), encoding="utf-8")
        tab.open(page.as_uri())
        return tab

    return opened
