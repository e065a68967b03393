"""Pages as text, and the names that they mention."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PACKAGE = ROOT / "harness/meshproof"
FENCED = re.compile(r"^ *```.*?^ *```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Page:
    """A page of the documentation, by its path from the top."""

    path: str

    @cached_property
    def text(self) -> str:
        return (ROOT / self.path).read_text(encoding="utf-8")

    @cached_property
    def prose(self) -> str:
        """What stands outside of blocks of code."""
        return FENCED.sub("", self.text)

    @cached_property
    def spans(self) -> list[str]:
        """What stands between backticks in the prose."""
        return re.findall(r"`([^`\n]+)`", self.prose)

    def blocks(self, language: str) -> list[str]:
        """The blocks of code in a language."""
        return re.findall(rf"^ *```{language}\n(.*?)^ *```$", self.text, re.MULTILINE | re.DOTALL)

    def defined(self) -> set[str]:
        """Functions, classes, and `Class.name` of all Python files that the page names with a folder."""
        files = [found for one in self.spans if one.endswith(".py") and (found := source(one)) is not None]
        return {name for file in files for name in names(file)}

    def misplaced(self) -> list[str]:
        """Functions that are named right behind a file (`file.py` `function()`) and not defined in it."""
        pairs = re.findall(r"`([\w/]+\.py)`\s+`([\w.]+)\(\)`", self.prose)
        assert pairs, "the page names no function behind its file"
        return [f"{file} {name}" for file, name in pairs if (at := source(file)) is None or name not in names(at)]


def source(path: str) -> Path | None:
    """The file that a page means: from the top, or below harness/meshproof."""
    return next((place / path for place in (ROOT, PACKAGE) if (place / path).exists()), None)


def names(path: Path) -> Iterator[str]:
    """What a Python file defines, methods and fields as `Class.name`."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name
        elif isinstance(node, ast.ClassDef):
            yield node.name
            for inner in node.body:
                if isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef):
                    yield f"{node.name}.{inner.name}"
                elif isinstance(inner, ast.AnnAssign) and isinstance(inner.target, ast.Name):
                    yield f"{node.name}.{inner.target.id}"


@pytest.fixture(scope="session")
def page():
    """A page by its path from the top."""
    return Page
