"""The versions of `tox -e lowest` are the lower bounds of pyproject.toml."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[3]


def numbers(version: str) -> tuple[int, ...]:
    """The numbers of a version, without zeros at the end."""
    found = [int(part) for part in version.split(".")]
    while found and not found[-1]:
        found.pop()
    return tuple(found)


# The first release of protobuf 6, and the first of pytest-xdist 3.6 that was not withdrawn.
FIRST = {"protobuf": "6.30.0", "pytest-xdist": "3.6.1"}


def test_each_bound_is_tested() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["test"]]
    bounds = {name.lower(): bound for name, bound in (one.split(">=") for one in wanted)}
    tested = dict(re.findall(r"^([a-z0-9-]+)==(\S+)$", (ROOT / ".ci/lowest.txt").read_text(), re.MULTILINE))
    assert tested.keys() == bounds.keys()
    for name, bound in bounds.items():
        assert numbers(tested[name]) == numbers(FIRST.get(name, bound)), name
