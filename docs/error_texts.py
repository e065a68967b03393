"""The texts of the errors that are raised without a place in a manifest, found in the source: docs/messages.py."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from meshproof.language.words import PLACEHOLDER

ERRORS = ("UsageError", "NothingSelectedError")
# What stands at a place in a manifest is quoted and searched for as it is, and stays English.
AT_A_PLACE = re.compile(r"\{[^{}]*\blocation\}:")
LETTERS = re.compile(r"[a-z]{2,}")
# An option with its value is the same in every language.
SENTENCE = re.compile(r"^(?!--).* ")
NAMES = "abcdefghij"
Node = ast.expr


def error_texts(path: Path) -> Iterator[str]:
    """Each text with `{a}`, `{b}` … for what is put in, and texts that are put into others."""
    source = path.read_text(encoding="utf-8")
    if not any(one in source for one in ERRORS):
        return
    tree = ast.parse(source)
    named: dict[str, list[Node]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            named.setdefault(node.targets[0].id, []).append(node.value)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ERRORS:
            (text,) = node.args
            assert isinstance(text, ast.Constant | ast.JoinedStr), f"{path}:{node.lineno}: say it where it is raised"
            if not AT_A_PLACE.match(ast.unparse(text).partition("f")[2][1:]):
                yield from _texts(text, named)


def _texts(node: Node, named: dict[str, list[Node]]) -> Iterator[str]:
    told = _template(node)
    if LETTERS.search(PLACEHOLDER.sub("", told)):
        yield told
    for part in node.values if isinstance(node, ast.JoinedStr) else ():
        if isinstance(part, ast.FormattedValue):
            for inner in _put_in(part.value, named):
                if SENTENCE.search(_template(inner)):
                    yield from _texts(inner, {})


def _put_in(node: Node, named: dict[str, list[Node]]) -> Iterator[Node]:
    """The texts that a value may be."""
    if isinstance(node, ast.Name):
        for one in named.get(node.id, []):
            yield from _put_in(one, {})
    elif isinstance(node, ast.IfExp):
        yield from (*_put_in(node.body, named), *_put_in(node.orelse, named))
    elif isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str)):
        yield node


def _template(node: Node) -> str:
    if not isinstance(node, ast.JoinedStr):
        return str(node.value) if isinstance(node, ast.Constant) else ""
    names = iter(NAMES)
    parts = (str(one.value) if isinstance(one, ast.Constant) else f"{{{next(names)}}}" for one in node.values)
    return "".join(parts)
