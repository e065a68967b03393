"""Workers of pytest share one kind cluster: real processes on stand-ins for kind, docker and kubectl."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from .conftest import LIMIT

pytestmark = pytest.mark.long

PACKAGES = Path(__file__).parents[2]
# The whole plugin and kind's part of the target; the cluster accepts what is applied, and no mesh is started.
CONFTEST = """
import pytest
from meshproof.process import OwnedFolder
from meshproof.targets.cluster.settings import KubeSettings
from meshproof.targets.kind import target as kind
from meshproof.targets.kind.target import KindTarget
from meshproof.targets.kube.kubectl import Kubectl

class Cluster:
    def __init__(self, files, context, *_, **__):
        self.kubectl, self.objects = Kubectl("kubectl", files, context), self
    async def apply(self, body):
        pass
    async def close(self):
        pass

async def connect(*arguments, **named):
    return Cluster(*arguments)

kind.connect = connect

class ClusterOnly(KindTarget):
    async def up(self):
        self._folder = folder = OwnedFolder.make("meshproof-")
        self.cluster = await self.reach(folder)
        await self.ingress(self.cluster)
        self._register_cleanup(self.cluster, folder)

@pytest.fixture(scope="session")
def mesh_target():
    return ClusterOnly(KubeSettings())
"""
SUITE = """
import os, signal, time
from pathlib import Path

HERE = Path(__file__).parent
PROGRAMS = Path(os.environ["PATH"])

def wait_for(condition):
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)

def meet(mine, other):
    (HERE / mine).touch()
    wait_for((HERE / other).exists)
    assert (PROGRAMS / "clusters").read_text().split()

def test_one(mesh_session):
    meet("one", "two")
    if "KILLED" in os.environ:
        os.kill(os.getpid(), signal.SIGKILL)

def test_two(mesh_session):
    meet("two", "one")
    if "KILLED" in os.environ:
        # The will of the one that was killed has been carried out.
        wait_for(lambda: '"program": "kubectl"' in (PROGRAMS / "calls").read_text())
        assert (PROGRAMS / "clusters").read_text().split()
"""


@pytest.fixture
def run(bench: Any, tmp_path: Path) -> Any:
    suite = tmp_path / "suite"
    suite.mkdir()
    (suite / "conftest.py").write_text(CONFTEST)
    (suite / "test_suite.py").write_text(SUITE)

    def begin(**env: str) -> subprocess.CompletedProcess[str]:
        without = ("-p", "no:cacheprovider", "-p", "no:hypothesispytest")
        words = (
            "-c",
            os.devnull,
            "--rootdir",
            suite,
            *without,
            "--import-mode=importlib",
            "-n",
            "2",
            "--dist",
            "worksteal",
        )
        argv = [sys.executable, "-P", "-m", "pytest", *words, "--mesh-output", tmp_path / "out", suite]
        own = {"PATH": str(bench.folder), "TMPDIR": str(tmp_path), "HOME": str(tmp_path), "PYTHONPATH": str(PACKAGES)}
        return subprocess.run(
            [*map(str, argv)], env={**own, **env}, cwd=tmp_path, capture_output=True, text=True, timeout=2 * LIMIT
        )

    return begin


def did(bench: Any) -> list[str]:
    return [words[0] for words in bench.words("kind") if words[0] in ("create", "export", "delete")]


def test_two_workers_make_one_cluster_and_delete_it_once(bench, run) -> None:
    ended = run()
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "2 passed" in ended.stdout
    assert did(bench) == ["create", "export", "delete"]
    assert bench.clusters() == bench.locks() == []


def test_a_worker_that_is_killed_leaves_it_to_the_other_one(bench, run) -> None:
    ended = run(KILLED="yes")
    assert ended.returncode == 3, ended.stdout + ended.stderr
    assert "1 failed, 1 passed" in ended.stdout
    assert "crashed while running" in ended.stdout
    bench.wait_for(lambda: not bench.clusters() and not bench.locks())
    assert did(bench) == ["create", "export", "delete"]


def test_a_cluster_that_cannot_be_deleted_is_reported_and_no_success(bench, run) -> None:
    bench.when("kind", "delete", does="sys.exit('no')")
    ended = run()
    assert ended.returncode == 3, ended.stdout + ended.stderr
    assert "2 passed, 1 error" in ended.stdout
    assert "deleting the kind cluster: kind failed (exit code 1)" in ended.stdout
    assert "look: kind get clusters" in ended.stdout
