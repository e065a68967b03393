"""Executables that stand in for kubectl: they write down how they were called, and behave as a test says."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

SCRIPT = """#!{python} -IS
import json, os, sys, time
begun = {{"argv": sys.argv[1:], "env": dict(os.environ), "pid": os.getpid(), "guard": os.getppid()}}
with open({calls!r}, "a") as calls:
    print(json.dumps(begun), file=calls, flush=True)
{body}
"""


@dataclass(frozen=True, slots=True)
class StandIn:
    """One executable; `calls` are its calls so far."""

    path: Path
    log: Path

    @property
    def calls(self) -> list[Mapping[str, Any]]:
        # A call that is being written is not complete yet.
        text = self.log.read_text().rpartition("\n")[0] if self.log.exists() else ""
        return [json.loads(line) for line in text.splitlines()]

    def alive(self) -> list[int]:
        """The processes of its calls and their parent-death guards that still run."""
        started = [pid for call in self.calls for pid in (call["pid"], call["guard"])]
        return [pid for pid in started if Path(f"/proc/{pid}").exists() and not _zombie(pid)]


def _zombie(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


@pytest.fixture
def stand_in(tmp_path: Path) -> Callable[[str], StandIn]:
    """Make one whose `body` is Python; `begun` is the record of the call."""

    def make(body: str) -> StandIn:
        path, log = tmp_path / "stand-in", tmp_path / "calls"
        path.write_text(SCRIPT.format(python=sys.executable, calls=str(log), body=body))
        path.chmod(0o700)
        return StandIn(path, log)

    return make


@pytest.fixture
def kubeconfig(tmp_path: Path) -> Path:
    """Two contexts, of which `lab` is one and `shop-production` the other."""
    path = tmp_path / "kubeconfig"
    cluster = {"server": "https://127.0.0.1:1", "certificate-authority-data": ""}
    names = ("lab", "shop-production")
    path.write_text(
        json.dumps(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "current-context": "lab",
                "clusters": [{"name": "one", "cluster": cluster}],
                "users": [{"name": "me", "user": {"token": "s3cr3t-token"}}],
                "contexts": [{"name": name, "context": {"cluster": "one", "user": "me"}} for name in names],
            }
        )
    )
    path.chmod(0o600)
    return path
