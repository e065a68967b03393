"""What CI installs: the lock holds all that pyproject.toml names, each file by its hash, and CI takes nothing else."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from hatchling.build import get_requires_for_build_editable, get_requires_for_build_wheel
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[3]
LOCK = (ROOT / ".ci/lock.txt").read_text().replace("\\\n", " ")
LINES = [line for line in LOCK.splitlines() if line and not line.startswith("#")]
PYTHONS = ("3.11", "3.12", "3.13", "3.14")


def named() -> list[Requirement]:
    """All that pyproject.toml names, beside the package itself."""
    whole = tomllib.loads((ROOT / "pyproject.toml").read_text())
    project = whole["project"]
    lists = [whole["build-system"]["requires"], project["dependencies"], *whole["dependency-groups"].values()]
    return [Requirement(one) for some in [*lists, *project["optional-dependencies"].values()] for one in some]


def locked(python: str, system: str) -> dict[str, str]:
    """The version of each package that is for this Python and system."""
    found: dict[str, str] = {}
    place = {
        "python_version": python,
        "python_full_version": f"{python}.9",
        "sys_platform": system,
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
    }
    for line in LINES:
        one = Requirement(line.partition("--hash")[0].strip())
        if one.marker is None or one.marker.evaluate(place):
            assert one.name not in found, f"{one.name} twice for {place}"
            found[one.name] = str(one.specifier).removeprefix("==")
    return found


@pytest.mark.parametrize("system", ["linux", "darwin"])
@pytest.mark.parametrize("python", PYTHONS)
def test_all_that_is_named_is_locked(python: str, system: str) -> None:
    held = locked(python, system)
    missing = [str(one) for one in named() if held.get(canonicalize_name(one.name), "0") not in one.specifier]
    assert missing == [], "make the lock anew: .ci/lock"


def test_what_the_backend_asks_for_is_locked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    asked = map(Requirement, get_requires_for_build_editable() + get_requires_for_build_wheel())
    held = locked(PYTHONS[0], "linux")
    assert [str(one) for one in asked if held.get(canonicalize_name(one.name), "0") not in one.specifier] == []


def test_every_version_is_one_and_has_its_hashes() -> None:
    wrong = [
        line for line in LINES if not re.fullmatch(r"[\w.-]+==\S+( ; [^-]+)?(\s+--hash=sha256:[0-9a-f]{64})+", line)
    ]
    assert wrong == []


def test_another_file_than_the_locked_one_is_not_taken(tmp_path: Path) -> None:
    """What .ci/run tells pip, against a folder that holds another file of a package's locked version."""
    (line,) = [one for one in LINES if one.startswith("click==")]
    version = line.split()[0].removeprefix("click==")
    (tmp_path / f"click-{version}-py3-none-any.whl").write_bytes(b"another file")
    (tmp_path / "lock.txt").write_text(line)
    (told,) = re.findall(r" download -q (--require-hashes .*) -d ", (ROOT / ".ci/run").read_text())
    words = [*told.split(), "--no-index", "--find-links", str(tmp_path), "-d", str(tmp_path / "to")]
    command = [sys.executable, "-m", "pip", "download", *words, "-r", str(tmp_path / "lock.txt")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env={**os.environ, "PIP_FIND_LINKS": ""})
    assert done.returncode != 0
    assert "DO NOT MATCH THE HASHES" in done.stderr


def test_each_python_is_told_and_tested() -> None:
    text = (ROOT / "pyproject.toml").read_text()
    assert re.findall(r'"Programming Language :: Python :: (3\.\d+)"', text) == list(PYTHONS)
    (listed,) = re.findall(r"^env_list = (.*)$", (ROOT / "tox.ini").read_text(), re.MULTILINE)
    assert {f"py{one.replace('.', '')}" for one in PYTHONS} <= set(listed.split(", "))
