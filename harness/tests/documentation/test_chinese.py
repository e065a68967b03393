"""The Chinese pages show what their English ones do: the same blocks of code, commands and exit codes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
README, CHINESE = ("README.md", "README.zh-CN.md")
PAGES = sorted(path.name for path in (ROOT / "docs" / "zh").glob("*.md"))
BLOCK = re.compile(r"^```\w*\n.*?^```$", re.MULTILINE | re.DOTALL)


def read(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def commands(text: str) -> list[str]:
    """The lines of all blocks, without their remarks."""
    lines = "\n".join(BLOCK.findall(text)).splitlines()
    return [line.partition("  #")[0].rstrip() for line in lines if not line.startswith("```")]


def sections(text: str) -> int:
    return len(re.findall(r"^## ", BLOCK.sub("", text), re.MULTILINE))


def test_the_readme_has_the_same_blocks_in_the_same_order() -> None:
    assert BLOCK.findall(read(CHINESE)) == BLOCK.findall(read(README))


def test_the_readme_has_the_same_sections_and_exit_codes() -> None:
    assert sections(read(CHINESE)) == sections(read(README))
    codes = [re.findall(r"^\| (\d) \|", read(path), re.MULTILINE) for path in (CHINESE, README)]
    assert codes[0] == codes[1] == list("012345")


def test_each_readme_leads_to_the_other() -> None:
    assert f"]({CHINESE})" in read(README)
    assert f"]({README})" in read(CHINESE)


def test_the_readme_leads_to_each_chinese_page() -> None:
    assert [name for name in PAGES if f"](docs/zh/{name})" not in read(CHINESE)] == []


@pytest.mark.parametrize("name", PAGES)
def test_a_chinese_page_shows_commands_of_its_english_one_alone(name: str) -> None:
    shown, known = commands(read(f"docs/zh/{name}")), commands(read(f"docs/{name}") + read(README))
    assert shown
    # The first run of a scenario stands in a row of commands in the README.
    assert [line for line in shown if line not in known and line != "meshproof run canary"] == []


@pytest.mark.parametrize("name", PAGES)
def test_what_a_chinese_page_names_in_code_stands_in_the_english_one(name: str) -> None:
    chinese, english = (BLOCK.sub("", read(f"{folder}/{name}")) for folder in ("docs/zh", "docs"))
    spans = {one for one in re.findall(r"`([^`\n]+)`", chinese) if one.isascii()}
    assert len(spans) > 5
    assert [one for one in sorted(spans) if one not in english and one not in read(README)] == []
