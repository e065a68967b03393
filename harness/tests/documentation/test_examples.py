"""The examples for CI servers are YAML, and their command lines are understood."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from meshproof.cli.group import group
from meshproof.run.discover import discover, select

EXAMPLES = sorted((Path(__file__).parents[3] / "examples").glob("*.yaml"))


def texts(value: Any) -> Iterator[str]:
    """Every string in a document."""
    if isinstance(value, dict):
        value = value.values()
    if isinstance(value, str):
        yield value
    elif not isinstance(value, int | bool | type(None)):
        for one in value:
            yield from texts(one)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_command_lines_of_examples_are_understood(path: Path) -> None:
    found = [line for text in texts(yaml.safe_load(path.read_text())) for line in text.splitlines()]
    lines = [one for one in found if re.match(r"meshproof\s", one)]
    assert any(" install " in one for one in lines), "a certification looks at the installation too"
    for line in lines:
        name, *words = shlex.split(line.partition(" > ")[0])[1:]
        context = group.commands[name].make_context(name, words)
        select(discover(), context.params.get("scenarios", ()))
