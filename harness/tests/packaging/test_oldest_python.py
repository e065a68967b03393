"""What the oldest Python that is supported does otherwise than the one that runs the tests."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import meshproof

STAR = re.compile(r"\bexcept\s*\*")


def test_nothing_is_raised_in_except_star() -> None:
    # Before 3.11.4 it would come as a group: https://docs.python.org/3/reference/compound_stmts.html#except-star
    for path in sorted(Path(meshproof.__file__).parent.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        # However it is spaced: the star follows the word.
        for one in ast.walk(ast.parse(text)) if STAR.search(text) else ():
            if isinstance(one, ast.TryStar):
                inside = [node for handler in one.handlers for node in ast.walk(handler)]
                assert not [node.lineno for node in inside if isinstance(node, ast.Raise)], path
