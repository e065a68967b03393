"""The built wheel: one top-level name, with all content inside and nothing else."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from meshproof import __version__

ROOT = Path(__file__).parents[3]
PARTS = ("harness/meshproof", "scenarios", "fixtures", "loadtests", "reports")
FILES = ("pyproject.toml", "README.md", "LICENSE", ".gitignore")
STRAY = (
    "scenarios/canary/meshproof-runs/20260101T000000Z-0a1b2c/events.ndjson",
    "scenarios/canary/.pytest_cache/README.md",
    "reports/runs/20260101T000000Z-0a1b2c/report.html",
)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """The wheel of this checkout with runs left lying about in it, built without any network."""
    checkout = tmp_path_factory.mktemp("checkout")
    for part in PARTS:
        ignore = shutil.ignore_patterns("__pycache__", "runs", "meshproof-runs", ".*")
        shutil.copytree(ROOT / part, checkout / part, ignore=ignore)
    for file in FILES:
        shutil.copy(ROOT / file, checkout / file)
    for file in STRAY:
        (checkout / file).parent.mkdir(parents=True)
        (checkout / file).write_text("stray")
    built = tmp_path_factory.mktemp("built")
    offline = ["--no-deps", "--no-build-isolation", "--no-index", "--disable-pip-version-check", "--quiet"]
    command = [sys.executable, "-m", "pip", "wheel", *offline, "--wheel-dir", str(built), str(checkout)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    (path,) = built.iterdir()
    return zipfile.ZipFile(path)


def test_it_installs_one_name(wheel: zipfile.ZipFile) -> None:
    tops = {name.partition("/")[0] for name in wheel.namelist()}
    assert tops == {"meshproof", f"meshproof-{__version__}.dist-info"}


@pytest.mark.parametrize("part", ["scenarios", "fixtures", "loadtests"])
def test_all_content_is_inside(wheel: zipfile.ZipFile, part: str) -> None:
    wanted = {
        f"meshproof/_suite/{path.relative_to(ROOT).as_posix()}"
        for path in (ROOT / part).rglob("*")
        if path.suffix in {".py", ".yaml", ".pem", ".key"} and "meshproof-runs" not in path.parts
    }
    assert wanted
    assert wanted <= set(wheel.namelist())


def test_the_template_and_the_types_are_inside(wheel: zipfile.ZipFile) -> None:
    parts = {"report.html.j2", "check.html.j2", "comparison.html.j2", "report.css", "report.js"}
    wanted = {f"meshproof/_suite/reports/{one}" for one in parts} | {"meshproof/py.typed"}
    assert wanted <= set(wheel.namelist())


def test_nothing_else_is_inside(wheel: zipfile.ZipFile) -> None:
    stray = {"__pycache__", "meshproof-runs", "runs", ".pytest_cache", "tests", "bench"}
    found = [name for name in wheel.namelist() if stray & set(name.split("/")) or name.endswith(".pyc")]
    assert found == []


def test_the_command_and_the_plugin_are_entry_points(wheel: zipfile.ZipFile) -> None:
    text = wheel.read(f"meshproof-{__version__}.dist-info/entry_points.txt").decode()
    assert "meshproof = meshproof.cli:main" in text
    assert "[pytest11]\nmeshproof = meshproof.plugin" in text
