"""What lint finds in a text."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from meshproof.lint.check import Finding
from meshproof.lint.lint import lint

PAGE = (Path(__file__).parents[3] / "docs/lint.md").read_text()
BESIDE = PAGE.partition("<!-- beside -->\n```yaml\n")[2].partition("```")[0]

Findings = tuple[Finding, ...]


@pytest.fixture(scope="session")
def found() -> Callable[..., Findings]:
    """The findings of a text; `beside` puts the objects of all examples of the page in front of it."""

    def look(text: str, *, beside: bool = False, left_out: frozenset[str] = frozenset()) -> Findings:
        whole = f"{BESIDE}---\n{text}" if beside else text
        return lint(["-"], stdin=io.StringIO(whole), left_out=left_out).findings

    return look
