"""Stand-ins for the programs that a kind cluster is made with: folders on PATH in which each does what a test says.

They are named as kind and docker are, because they are looked for by these names; each begins by writing
down how it was called, and none of them makes anything.
"""

from __future__ import annotations

import json
import os
import sys
import textwrap
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from meshproof.process import OwnedFolder, run_directory
from meshproof.targets.cluster.settings import REMOTE_TIMEOUTS, KubeSettings
from meshproof.targets.kind import target as kind
from meshproof.targets.kind.target import KindTarget

LIMIT = 60.0
LIMITS = replace(REMOTE_TIMEOUTS, kind_created=120.0, kind_answer=60.0, container_engine=60.0)
SCRIPT = """#!{python} -IS
import json, os, sys, time
with open({calls!r}, "a") as calls:
    call = {{"program": {name!r}, "argv": sys.argv[1:], "pid": os.getpid(), "env": dict(os.environ)}}
    print(json.dumps({{**call, "stdin": sys.stdin.read()}}), file=calls, flush=True)
words = sys.argv[1:]
folder = {folder!r}
{body}
"""
BEGIN = "# What this one does.\n"
DOCKER = """
if words[:1] == ["info"]:
    print(json.dumps({"Architecture": os.uname().machine, "MemTotal": 16 << 30, "DockerRootDir": "/nowhere"}))
elif words[:1] == ["port"]:
    print("127.0.0.1:" + {"30080/tcp": "18080", "30443/tcp": "18443"}[words[2]])
elif words[:1] == ["inspect"]:
    print("4f2a" * 16)
elif words[:2] == ["image", "inspect"]:
    sys.exit("Error: No such image")
"""
KIND = """
clusters = os.path.join(folder, "clusters")
known = open(clusters).read().split() if os.path.exists(clusters) else []
def option(name): return words[words.index(name) + 1]
if words == ["version"]:
    print("kind v0.30.0 go1.24.6 linux/amd64")
elif words[:2] == ["get", "clusters"]:
    print("\\n".join(known))
elif words[:2] == ["create", "cluster"]:
    open(clusters, "a").write(option("--name") + "\\n")
    open(option("--kubeconfig"), "w").write("apiVersion: v1\\nkind: Config\\n")
elif words[:2] == ["export", "kubeconfig"]:
    open(option("--kubeconfig"), "w").write("apiVersion: v1\\nkind: Config\\n")
elif words[:2] == ["delete", "cluster"]:
    open(clusters, "w").write("".join(one + "\\n" for one in known if one != option("--name")))
"""
FOREIGN = ("KIND_EXPERIMENTAL_PROVIDER", "PYTEST_XDIST_TESTRUNUID", "KUBECONFIG", "DOCKER_HOST", "XDG_RUNTIME_DIR")
NAME_ADDED = 'open(os.path.join(folder, "clusters"), "a").write(words[words.index("--name") + 1] + "\\n")\n'
WELL = {"docker": DOCKER, "kind": KIND, "kubectl": ""}


@dataclass(frozen=True, slots=True)
class Bench:
    """A folder that is the whole PATH, and the calls of its programs."""

    folder: Path

    @property
    def calls(self) -> list[Mapping[str, Any]]:
        log = self.folder / "calls"
        # A call that is being written is not complete yet.
        text = log.read_text().rpartition("\n")[0] if log.exists() else ""
        return [json.loads(line) for line in text.splitlines()]

    def words(self, program: str) -> list[list[str]]:
        """The arguments of each call of one of them."""
        return [call["argv"] for call in self.calls if call["program"] == program]

    def put(self, name: str, body: str = "") -> Path:
        """Put a stand-in there; `words` are its arguments, `folder` is this folder."""
        path = self.folder / name
        calls, folder = str(self.folder / "calls"), str(self.folder)
        text = SCRIPT.format(python=sys.executable, calls=calls, folder=folder, name=name, body=BEGIN + body)
        path.write_text(text)
        path.chmod(0o700)
        return path

    def when(self, program: str, *begin: str, does: str) -> None:
        """From now on a call that begins with these arguments runs another body; any other call is unchanged."""
        other = textwrap.indent(textwrap.dedent(does), "    ")
        _, _, before = (self.folder / program).read_text().partition(BEGIN)
        self.put(program, f"if words[:{len(begin)}] == {list(begin)}:\n{other}\n    sys.exit()\n{before}")

    def well(self, program: str) -> None:
        """From now on it works as it did at first."""
        self.put(program, WELL[program])

    def clusters(self) -> list[str]:
        known = self.folder / "clusters"
        return known.read_text().split() if known.exists() else []

    def locks(self) -> list[str]:
        """The files in the folder for lock files."""
        return [one.name for one in run_directory().iterdir()]

    def wait_for(self, condition: Callable[[], bool]) -> None:
        """Wait until the condition holds."""
        deadline = time.monotonic() + LIMIT
        while not condition():
            assert time.monotonic() < deadline, f"{self.clusters()} {self.locks()} {self.words('kind')}"
            time.sleep(0.02)


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    """Stand-ins for docker, kind and kubectl that work, and no other such program on PATH."""
    folder = tmp_path / "programs"
    folder.mkdir()
    made = Bench(folder)
    for name in WELL:
        made.well(name)
    # The program that removes a folder after its owner's end.
    (folder / "rm").symlink_to("/bin/rm")
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    for name in FOREIGN:
        monkeypatch.delenv(name, raising=False)
    yield made
    assert os.environ["PATH"] == str(folder), "the manager changes this process' environment"


class Takes:
    """A cluster that accepts everything that is applied to it."""

    @property
    def objects(self) -> Takes:
        return self

    async def apply(self, body: object) -> None:
        pass


@pytest.fixture
def reached(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """What the target connects to, in the place of an API server: the tests are about kind's part alone."""
    found: list[tuple[Any, ...]] = []

    async def connect(files: list[Path], context: str, timeouts: object, *, allow: object) -> object:
        found.append((files[0].exists(), context))
        return object()

    monkeypatch.setattr(kind, "connect", connect)
    return found


async def made(target: KindTarget) -> KindTarget:
    """Only kind's part: the cluster without Istio and meshes."""
    target.preflight()
    folder = OwnedFolder.make("meshproof-")
    try:
        await target.reach(folder)
        path = folder.path / "kind.yaml"
        target.seen = yaml.safe_load(path.read_text())  # type: ignore[attr-defined]
    finally:
        folder.remove()
    return target


async def filled(settings: KubeSettings | None = None, timeouts: Any = LIMITS) -> KindTarget:
    """A target whose cluster others may use too."""
    target = await made(KindTarget(settings or KubeSettings(), timeouts))
    await target.ingress(Takes())  # type: ignore[arg-type]
    return target
