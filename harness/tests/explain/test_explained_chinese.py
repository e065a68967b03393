"""An explanation in Chinese, and what stays as it is for programs.

To write the expected text anew: MESHPROOF_UPDATE_GOLDEN=1 pytest harness/tests/explain/test_explained_chinese.py
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest
from click.testing import CliRunner
from meshproof.cli.group import group
from meshproof.language.words import words

GOLDEN = Path(__file__).parent / "golden" / "shop.zh.txt"
ROOT = Path(__file__).parents[3]
SHOP = ("-f", "examples/shop")
ASKED = (
    ("http://catalog.shop/",),
    ("GET http://reviews.shop/", "-H", "end-user: jason"),
    ("https://shop.example.com/api/orders", "--gateway", "shop/entry"),
    ("http://catalog/",),
)
CHINESE = re.compile("[\u4e00-\u9fff]")


def told(monkeypatch: pytest.MonkeyPatch, *line: str) -> str:
    monkeypatch.chdir(ROOT)
    ended = CliRunner().invoke(group, ["explain", *SHOP, *line], standalone_mode=False)
    assert ended.exception is None
    return ended.stdout


def test_the_shop_is_explained_in_chinese(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "\n".join(told(monkeypatch, *line, "--lang", "zh") for line in ASKED)
    if os.environ.get("MESHPROOF_UPDATE_GOLDEN"):
        GOLDEN.write_text(text)
    assert text == GOLDEN.read_text()


def test_what_a_program_reads_is_english(monkeypatch: pytest.MonkeyPatch) -> None:
    for line in ASKED:
        chinese, english = (told(monkeypatch, *line, "-o", "json", "--lang", one) for one in ("zh", "en"))
        assert json.loads(chinese) == json.loads(english)
        assert not CHINESE.search(chinese)


def test_two_folders_are_held_beside_each_other_in_chinese(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for file in (ROOT / "examples" / "shop").glob("*.yaml"):
        (tmp_path / file.name).write_text(file.read_text().replace("timeout: 1s", "timeout: 2s"))
    both = told(monkeypatch, "http://catalog.shop/", "--diff", str(tmp_path), "--lang", "zh")
    assert [line for line in both.splitlines() if "超时" in line] == ["-   超时  1 s", "+   超时  2 s"]
    same = told(monkeypatch, "http://catalog.shop/", "--diff", "examples/shop", "--lang", "zh")
    assert same.endswith(f"{words('zh')('the same by both')}\n")
