"""What the API server refuses of its own kinds beyond types: it is told with its line, and what it takes is not."""

from __future__ import annotations

import io
import re

import pytest
from kubernetes_objects import REFUSED, TAKEN
from meshproof.errors import Problem
from meshproof.manifest import load
from meshproof.mesh.build.assemble import build_all

BESIDE = "---\napiVersion: v1\nkind: Namespace\nmetadata: {name: beside}\n"


def refused(text: str) -> list[Problem]:
    built = build_all(load(["-"], stdin=io.StringIO(text + BESIDE), strict=False))
    return [Problem(one.location, one.why) for one in built.mesh.unmodelled if one.refused]


@pytest.mark.parametrize("name", TAKEN)
def test_what_the_api_server_takes(name: str) -> None:
    assert refused(TAKEN[name]) == []


@pytest.mark.parametrize("name", REFUSED)
def test_what_the_api_server_does_not_take(name: str) -> None:
    text, why = REFUSED[name]
    (one,) = refused(text)
    assert re.search(why, one.message)
    assert 1 < one.location.line <= text.count("\n")
