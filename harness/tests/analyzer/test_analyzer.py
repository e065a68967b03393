"""What Istio's analyzers say of their own test data is found by lint too, or stands in docs/lint.md with the reason.

    MESHPROOF_ANALYZER=1 pytest harness/tests/analyzer

It needs Go, which fetches Istio's module at first (tox -e analyzer). Nothing of that module is kept here.
"""

from __future__ import annotations

import importlib.util
import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml
from meshproof.lint.check import Finding
from meshproof.lint.lint import lint

HERE = Path(__file__).parent
PAGE = (HERE.parents[2] / "docs/lint.md").read_text()
WANTED = "MESHPROOF_ANALYZER"

pytestmark = pytest.mark.skipif(not os.environ.get(WANTED), reason=f"fetches Istio's module with Go: {WANTED}=1")

Named = tuple[str, str, str]


@pytest.fixture(scope="module")
def data() -> ModuleType:
    spec = importlib.util.spec_from_file_location("analyzer_data", HERE / "data.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def not_looked_for() -> frozenset[str]:
    """The codes of what lint leaves alone, as the page lists them."""
    listed = PAGE.partition("<!-- not looked for -->")[2].partition("<!--")[0]
    return frozenset(re.findall(r"IST\d{4}", listed))


def differences() -> set[tuple[str, str, str]]:
    """The rows of the page's table: file, code, object."""
    rows = PAGE.partition("<!-- differences -->")[2].partition("\n\n")[0].strip().splitlines()[2:]
    return {(cells[1], cells[2], cells[3]) for row in rows if (cells := [cell.strip() for cell in row.split("|")])}


def found_in(folder: Path, objects: Sequence[Mapping[str, Any]]) -> tuple[dict[str, Named], tuple[Finding, ...]]:
    """The findings of some objects, each in a file of its own, and which file is which object."""
    names: dict[str, Named] = {}
    for number, one in enumerate(objects):
        file = folder / f"{number:03}.yaml"
        file.write_text(yaml.safe_dump(dict(one)))
        metadata = one["metadata"]
        names[str(file)] = (one["kind"], metadata.get("namespace", "default"), metadata["name"])
    return names, lint([str(folder)]).findings


def told(expected: Any, names: Mapping[str, Named], findings: Sequence[Finding]) -> bool:
    """Whether a message of the analyzers is among the findings: at the object, or naming it."""
    place, _, name = expected.name.rpartition("/")
    for one in findings:
        if expected.code not in one.check.istio:
            continue
        near = [names[where.file] for where in (one.location, one.other) if where]
        if any(kind == expected.kind and own == name.lower() and place in ("", at) for kind, at, own in near):
            return True
        if f"{expected.kind} {expected.name} " in one.message:
            return True
    return False


def missing(data: ModuleType, folder: Path) -> Iterator[tuple[str, str, str]]:
    alone = not_looked_for()
    analysis = data.analysis_folder()
    for number, case in enumerate(data.cases(analysis)):
        wanted = [one for one in case.expected if one.code not in alone and one.kind in KINDS]
        if not wanted:
            continue
        own = folder / str(number)
        own.mkdir()
        objects = [
            data.mended(one) for one in data.objects(analysis, case.files) if isinstance(one.get("metadata"), dict)
        ]
        names, findings = found_in(own, objects)
        for one in wanted:
            if not told(one, names, findings):
                yield Path(case.files[0]).name, one.code, f"{one.kind} {one.name}"


KINDS = frozenset(
    {
        *("VirtualService", "DestinationRule", "Gateway", "ServiceEntry", "WorkloadEntry", "Sidecar"),
        *("Service", "Deployment", "Pod", "HTTPRoute", "GRPCRoute"),
    }
)
# So many messages for these kinds were in the data when the page was written: fewer would mean that it is not read.
LEAST_MESSAGES = 75


def test_each_message_of_the_analyzers_is_a_finding_or_a_difference_that_the_page_explains(
    data: ModuleType, tmp_path: Path
) -> None:
    assert set(missing(data, tmp_path)) == differences()


def test_the_data_hold_as_many_messages_as_when_the_page_was_written(data: ModuleType) -> None:
    alone = not_looked_for()
    expected = [one for case in data.cases(data.analysis_folder()) for one in case.expected]
    assert len([one for one in expected if one.kind in KINDS and one.code not in alone]) >= LEAST_MESSAGES
