"""Every text that meshproof says of itself has a translation, and no translation says something else."""

from __future__ import annotations

import ast
import importlib.util
import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from meshproof.language.words import CLICK, ERROR, PLACEHOLDER, words
from meshproof.suite import folder

DOCS = folder("scenarios").parent / "docs"
CHINESE = re.compile("[\u4e00-\u9fff]")
WORDED = re.compile(r"[a-z]{2,}")
# The same in Chinese: a name, and commands whose columns look like prose.
ALIKE = {
    "Kubernetes",
    'bash:  eval "$(meshproof completion bash)"',
    " and ",
    "{proved} of {all}",
    "{tally} of {scenarios}",
    "{n} of {all}",
}
# What must stand in both as it is: options, spans of code, addresses, files, words in capitals, what is put in.
KEPT = re.compile(
    r"(?<![\w-])--[a-z][\w-]*|`[^`]+`|<[^>]+>|[a-z]+://[\w:/.-]+|[\w-]+\.(?:json|html|gz|py)\b|\b[A-Z][A-Z_]{3,}\b",
    re.ASCII,
)


@pytest.fixture(scope="module")
def said() -> dict[str, str]:
    """All texts, by the tool that `tox -e messages` runs."""
    sys.path.insert(0, str(DOCS))
    try:
        module = _module()
    finally:
        sys.path.remove(str(DOCS))
    found: dict[str, str] = module.texts()
    return found


def _module() -> ModuleType:
    spec = importlib.util.spec_from_file_location("messages", DOCS / "messages.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_text_has_a_translation_and_no_translation_is_left_over(said: dict[str, str]) -> None:
    known = words("zh").texts
    assert len(said) > 400
    assert [text for text in said if text not in known] == []
    assert [text for text in known if text not in said] == []


def spoken_english(path: Path) -> Iterator[str]:
    """What a module prints without looking it up: words of two calls of Python, and not what is put into a text."""
    for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(call, ast.Call) and ast.unparse(call.func) in {"click.echo", "print"} and call.args:
            waiting: list[ast.AST] = [call.args[0]]
            while waiting:
                node = waiting.pop()
                if isinstance(node, ast.Constant) and isinstance(node.value, str) and WORDED.search(node.value):
                    yield f"{path.name}:{node.lineno}: {node.value}"
                elif not isinstance(node, ast.Call | ast.Compare):
                    waiting += ast.iter_child_nodes(node)


def test_commands_print_nothing_that_is_not_looked_up() -> None:
    commands = sorted((folder("scenarios").parent / "harness" / "meshproof" / "cli").rglob("*.py"))
    found = [text for path in commands for text in spoken_english(path)]
    # What went wrong with meshproof itself, and what stands in the way before a language is known.
    assert [text for text in found if not text.startswith("entry.py:")] == []


def test_what_is_put_in_is_the_same_in_both() -> None:
    for text, told in words("zh").texts.items():
        assert Counter(PLACEHOLDER.findall(text)) == Counter(PLACEHOLDER.findall(told)), text


def test_options_and_code_are_the_same_in_both() -> None:
    for text, told in words("zh").texts.items():
        # A default is told behind an option by click's word, and a text may repeat itself less in one of the two.
        assert {*KEPT.findall(text)} == {*KEPT.findall(told)}, text


def test_a_translation_is_chinese() -> None:
    letters = re.compile(r"[A-Za-z]{2,}")
    same = [
        text
        for text, told in words("zh").texts.items()
        if letters.search(PLACEHOLDER.sub("", text.removeprefix(CLICK).removeprefix(ERROR)))
        and not CHINESE.search(told)
    ]
    assert {text.partition("\n")[0] for text in same} == ALIKE


def test_no_chinese_text_has_the_punctuation_of_english() -> None:
    wrong = re.compile("[\u4e00-\u9fff][,;:!?](?!\\S)|[\u4e00-\u9fff]\\.(?!\\w)")
    assert [told for told in words("zh").texts.values() if wrong.search(told)] == []
