"""Stand-ins for the programs that a kind cluster is made with: folders on PATH in which each does what a test says.

They are named as kind and docker are, because they are looked for by these names; each begins by writing
down how it was called, and none of them makes anything.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

SCRIPT = """#!{python} -IS
import json, os, sys, time
with open({calls!r}, "a") as calls:
    print(json.dumps({{"program": {name!r}, "argv": sys.argv[1:], "pid": os.getpid()}}), file=calls, flush=True)
words = sys.argv[1:]
folder = {folder!r}
{body}
"""
DOCKER = """
if words[:1] == ["info"]:
    print(json.dumps({"Architecture": os.uname().machine, "MemTotal": 16 << 30, "DockerRootDir": "/nowhere"}))
elif words[:1] == ["port"]:
    print("127.0.0.1:" + {"30080/tcp": "18080", "30443/tcp": "18443"}[words[2]])
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


@dataclass(frozen=True, slots=True)
class Bench:
    """A folder that is all of PATH, and the calls of what is in it."""

    folder: Path

    @property
    def calls(self) -> list[Mapping[str, Any]]:
        log = self.folder / "calls"
        return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []

    def words(self, program: str) -> list[list[str]]:
        """The arguments of each call of one of them."""
        return [call["argv"] for call in self.calls if call["program"] == program]

    def put(self, name: str, body: str = "") -> Path:
        """Put a stand-in there; `words` are its arguments, `folder` is this folder."""
        path = self.folder / name
        calls, folder = str(self.folder / "calls"), str(self.folder)
        path.write_text(SCRIPT.format(python=sys.executable, calls=calls, folder=folder, name=name, body=body))
        path.chmod(0o700)
        return path

    def clusters(self) -> list[str]:
        known = self.folder / "clusters"
        return known.read_text().split() if known.exists() else []


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    """docker, kind and kubectl as they are when all is well, and nothing else on PATH."""
    folder = tmp_path / "programs"
    folder.mkdir()
    made = Bench(folder)
    made.put("docker", DOCKER)
    made.put("kind", KIND)
    made.put("kubectl")
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    for name in ("KIND_EXPERIMENTAL_PROVIDER", "PYTEST_XDIST_TESTRUNUID", "KUBECONFIG", "DOCKER_HOST"):
        monkeypatch.delenv(name, raising=False)
    yield made
    assert os.environ["PATH"] == str(folder), "the manager changes this process' environment"
