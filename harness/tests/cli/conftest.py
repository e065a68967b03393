"""The real command as a subprocess, in a folder and an environment of its own."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest
from meshproof.suite import folder

LIMIT = 20.0
PACKAGES = Path(__file__).parents[2]
CANARY = folder("scenarios") / "canary"
WEIGHTS = """
        - destination: {{host: helloworld, subset: v1}}
          weight: {v1}
        - destination: {{host: helloworld, subset: v2}}
          weight: {v2}
"""
ROUTE = """\
apiVersion: {version}
kind: VirtualService
metadata:
  name: helloworld
spec:
  hosts: [helloworld]
  http:
    - route:{destinations}"""


def tail(process: subprocess.Popen[str]) -> str:
    assert process.stderr is not None
    return process.stderr.read()


@dataclass
class Ended:
    """What a command left: its exit code and its two streams."""

    code: int
    out: str
    err: str

    @property
    def report(self) -> Any:
        """Standard output, which must be one JSON document and nothing else."""
        return json.loads(self.out)


@dataclass
class Running:
    """A command under way whose reports go to the folder `output`."""

    process: subprocess.Popen[str]
    output: Path
    family: list[psutil.Process] = field(default_factory=list)

    def events(self) -> list[Any]:
        try:
            lines = (self.output / "events.ndjson").read_text().split("\n")
        except FileNotFoundError:
            return []
        return [json.loads(line) for line in lines[:-1]]

    def until(self, what: str, condition: Callable[[], Any]) -> Any:
        """The first true value of a condition."""
        deadline = time.monotonic() + LIMIT
        while time.monotonic() < deadline:
            found = condition()
            if found:
                return found
            if self.process.poll() is not None and not condition():
                raise AssertionError(f"ended with {self.process.returncode} before {what}:\n{tail(self.process)}")
            time.sleep(0.005)
        raise AssertionError(f"waited {LIMIT:g} s for {what}")

    def saw(self, event: str, **fields: Any) -> Any:
        """Wait for an event with these fields."""

        def find() -> Any:
            wanted = {"event": event, **fields}.items()
            return next((one for one in self.events() if wanted <= one.items()), None)

        return self.until(f"{event} {fields}", find)

    def part(self, name: str) -> psutil.Process:
        """The process among its descendants whose command line holds `name`, the innermost one."""

        def find() -> Any:
            found = [one for one in self.descendants() if any(name in word for word in command(one))]
            return found[-1] if found else None

        return self.until(f"a process {name}", find)

    def descendants(self) -> list[psutil.Process]:
        try:
            return psutil.Process(self.process.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            return []

    def signal(self, number: int) -> None:
        """Send a signal, and remember all that the command has started by then."""
        psutil.Process(self.process.pid).suspend()
        self.family += self.descendants()
        self.process.send_signal(number)
        if number != signal.SIGKILL:
            self.process.send_signal(signal.SIGCONT)

    def end(self) -> Ended:
        out, err = self.process.communicate(timeout=LIMIT)
        return Ended(self.process.returncode, out, err)

    def orphans(self) -> list[list[str]]:
        """What is left of the remembered processes, once they have had the time to end."""
        _, alive = psutil.wait_procs(self.family, timeout=LIMIT)
        return [command(one) for one in alive]


def command(process: psutil.Process) -> list[str]:
    try:
        return list(process.cmdline())
    except psutil.Error:
        return []


@dataclass
class Place:
    """A working folder, and an environment in which nothing of the person's own counts."""

    here: Path
    temporary: Path
    env: dict[str, str]
    started: list[Running] = field(default_factory=list)
    verify: tuple[str, ...] = ("verify", "-f", "spec")
    endless: tuple[str, ...] = ("--tolerance", "0.05", "--alpha", "1e-9", "--beta", "1e-9")
    """No verdict within anybody's patience: what is sent to such a run comes while its load is running."""

    def mesh(self, name: str, v1: int | None = 90, v2: int = 10, *, version: str = "v1") -> Path:
        """The canary with these weights (None: without a VirtualService) as the folder `name`."""
        place = self.here / name
        place.mkdir()
        for file in ("helloworld.yaml", "subsets.yaml"):
            text = (CANARY / file).read_text()
            (place / file).write_text(text.replace("networking.istio.io/v1beta1", f"networking.istio.io/{version}"))
        if v1 is not None:
            self.route(name, WEIGHTS.format(v1=v1, v2=v2), version)
        return place

    def route(self, name: str, destinations: str, version: str = "v1") -> None:
        """Put another VirtualService into the mesh of that name."""
        text = ROUTE.format(version=f"networking.istio.io/{version}", destinations=destinations)
        (self.here / name / "route.yaml").write_text(text)

    def start(self, *arguments: str | Path, output: str = "out", env: dict[str, str] | None = None) -> Running:
        """Start the command; its reports go to the folder `output`."""
        place = self.here / output
        return self.launch(["meshproof", *arguments, "--output", place], place, env)

    def launch(self, arguments: Sequence[str | Path], output: Path, env: dict[str, str] | None = None) -> Running:
        argv = [sys.executable, "-P", "-m", *map(str, arguments)]
        running = Running(self._open(argv, env or {}, subprocess.DEVNULL), output)
        self.started.append(running)
        return running

    def run(self, *arguments: str | Path, env: dict[str, str] | None = None, stdin: str | None = None) -> Ended:
        """Run the command to its end."""
        argv = [sys.executable, "-P", "-m", "meshproof", *map(str, arguments)]
        process = self._open(argv, env or {}, subprocess.DEVNULL if stdin is None else subprocess.PIPE)
        out, err = process.communicate(stdin, timeout=LIMIT)
        return Ended(process.returncode, out, err)

    def pytest(self, *arguments: str | Path, env: dict[str, str] | None = None) -> Ended:
        """Run pytest to its end, with this plugin and without the project's own configuration."""
        argv = [sys.executable, "-P", "-m", "pytest", "-c", "/dev/null", "--rootdir", str(self.here)]
        argv += ["-p", "no:cacheprovider", "--import-mode=importlib", *map(str, arguments)]
        process = self._open(argv, env or {}, subprocess.DEVNULL)
        out, err = process.communicate(timeout=LIMIT)
        return Ended(process.returncode, out, err)

    def _open(self, argv: Sequence[str], env: dict[str, str], stdin: int) -> subprocess.Popen[str]:
        pipe = subprocess.PIPE
        return subprocess.Popen(
            argv, cwd=self.here, env={**self.env, **env}, stdin=stdin, stdout=pipe, stderr=pipe, text=True
        )

    def left_over(self) -> list[str]:
        """What is still in the folder for temporary files, once it has had the time to go."""
        deadline = time.monotonic() + LIMIT
        while (found := os.listdir(self.temporary)) and time.monotonic() < deadline:
            time.sleep(0.01)
        return found

    def close(self) -> None:
        for running in self.started:
            everyone = [*running.family, *running.descendants()]
            running.process.kill()
            for one in everyone:
                if one.is_running():
                    one.kill()
            running.process.communicate()


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    # A unix socket's path is short: not below tmp_path.
    temporary = Path(tempfile.mkdtemp(prefix="m", dir="/tmp"))
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL", "VIRTUAL_ENV") if name in os.environ}
    paths = os.pathsep.join([str(PACKAGES), *os.environ.get("PYTHONPATH", "").split(os.pathsep)])
    made = Place(tmp_path, temporary, {**kept, "PYTHONPATH": paths, "TMPDIR": str(temporary), "HOME": str(tmp_path)})
    yield made
    made.close()
    shutil.rmtree(temporary, ignore_errors=True)
