"""A Docker engine of the tests' own: its own socket, folders and bridge; the rest of the network stays."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

NEEDED = ("docker", "dockerd", "ip", "setpriv")
# An address for documentation (RFC 5737): no machine has it.
ADDRESS = "198.51.100.1/30"
ANSWER_SECONDS = 120.0
STOP_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Engine:
    """A running engine; `env` is what a docker command needs to talk to it and to no other."""

    folder: Path
    env: Mapping[str, str]

    def docker(self, *words: str, limit: float = ANSWER_SECONDS) -> str:
        """What a docker command prints; raises RuntimeError with the tail of its output."""
        done = subprocess.run(
            ["docker", *words], capture_output=True, text=True, env={**os.environ, **self.env}, timeout=limit
        )
        if done.returncode != 0:
            raise RuntimeError(f"docker {words[0]} failed: {done.stderr[-1000:]}")
        return done.stdout


def lacking() -> str:
    """What this machine lacks for it, as a sentence; empty when it lacks nothing."""
    if os.geteuid() != 0:
        return "an engine of the tests' own needs root"
    missing = [name for name in NEEDED if not shutil.which(name)]
    return f"{', '.join(missing)} not found (Debian: docker.io)" if missing else ""


@contextmanager
def running(folder: Path, *, more: Sequence[str] = ()) -> Iterator[Engine]:
    """An engine for the length of the block, whose all stands in `folder`; containers that it runs end with it.

    It writes no rule and no switch of the machine's network.
    """
    with _bridge() as bridge:
        yield from _running(folder, bridge, more)


@contextmanager
def _bridge() -> Iterator[str]:
    """Without a bridge of its own an engine uses docker0, and one without any bridge deletes docker0."""
    name = f"mp{os.getpid()}"
    _ip("link", "add", name, "type", "bridge")
    try:
        _ip("address", "add", ADDRESS, "dev", name)
        yield name
    finally:
        _ip("link", "delete", name)


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True, timeout=30)


def _running(folder: Path, bridge: str, more: Sequence[str]) -> Iterator[Engine]:
    socket, log = folder / "docker.sock", folder / "dockerd.log"
    (folder / "daemon.json").write_text(json.dumps({}))
    command = ["dockerd", "--host", f"unix://{socket}", "--config-file", str(folder / "daemon.json")]
    command += ["--pidfile", str(folder / "docker.pid"), "--data-root", str(folder / "data")]
    command += ["--exec-root", str(folder / "exec"), "--bridge", bridge, *more]
    command += [f"--{switch}=false" for switch in ("iptables", "ip6tables", "ip-forward", "ip-masq")]
    env = {"DOCKER_HOST": f"unix://{socket}", "DOCKER_CONFIG": str(folder / "config")}
    with log.open("wb") as stream:
        # It ends with this process, however that happens, and its containers end with it.
        process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "TERM", *command], stdin=subprocess.DEVNULL, stdout=stream, stderr=stream
        )
    engine = Engine(folder, env)
    try:
        _wait(engine, process, log)
        yield engine
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        finally:
            _unmount(folder)


def _wait(engine: Engine, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + ANSWER_SECONDS
    while True:
        with contextlib.suppress(RuntimeError):
            engine.docker("version")
            return
        if process.poll() is not None or time.monotonic() > until:
            raise RuntimeError(f"the Docker engine does not answer: {log.read_text(errors='replace')[-2000:]}")
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.2)


def _unmount(folder: Path) -> None:
    """Unmount what an engine that was killed has left: its folder could not be removed otherwise."""
    for line in reversed(Path("/proc/mounts").read_text().splitlines()):
        if line.split()[1].startswith(f"{folder}/"):
            subprocess.run(["umount", "--lazy", line.split()[1]], capture_output=True, timeout=30)
