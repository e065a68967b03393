"""The real command as a subprocess, in a folder and an environment of its own."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest
from meshproof.suite import folder
from preloaded_client import Preloaded, at_start
from sure import options

LIMIT = 300.0
PACKAGES = Path(__file__).parents[2]
CANARY = folder("scenarios") / "canary"
WEIGHTS = """
        - destination: {{host: helloworld, subset: v1}}
          weight: {v1}
        - destination: {{host: helloworld, subset: v2}}
          weight: {v2}
"""
UNDEFINED = """
        - destination: {host: helloworld, subset: v1}
          weight: 90
        - destination: {host: helloworld, subset: v3}
          weight: 10
"""
SUITE = """\
from meshproof import Load, NoErrors, Scenario, Split

canary = Scenario(
    name="Canary",
    description="Ten percent of requests reach v2.",
    manifests=["helloworld.yaml", "subsets.yaml", "route.yaml"],
    load=Load("steady", "GET http://helloworld:5000/hello"),
    expect=[Split(), NoErrors()],
)


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
        """All events so far, those of several pytest workers one after another."""
        texts = [file.read_text() for file in sorted(self.output.glob("**/events.ndjson"))]
        return [json.loads(line) for text in texts for line in text.split("\n")[:-1]]

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
        """The process started by the command whose command line holds `name`, not the parent-death guard around it."""

        def find() -> Any:
            found = [one for one in self.descendants() if any(name in word for word in command(one))]
            return next((one for one in found if not any("parent_death.py" in word for word in command(one))), None)

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

    def end(self, stdin: str | None = None) -> Ended:
        out, err = self.process.communicate(stdin, timeout=LIMIT)
        return Ended(self.process.returncode, out, err)

    def lives(self, process: psutil.Process) -> bool:
        try:
            return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
        except psutil.NoSuchProcess:
            return False

    def orphans(self) -> list[list[str]]:
        """What is left of the remembered processes, once they have had the time to end."""
        deadline = time.monotonic() + LIMIT
        while (left := [one for one in self.family if self.lives(one)]) and time.monotonic() < deadline:
            time.sleep(0.01)
        return [command(one) for one in left]


def command(process: psutil.Process) -> list[str]:
    """Its arguments and the files that it has open: a forked process is recognized by the log that it writes to."""
    try:
        return [*process.cmdline(), *(file.path for file in process.open_files())]
    except psutil.Error:
        return []


@dataclass
class Place:
    """A working folder, and an environment in which nothing of the person's own counts."""

    here: Path
    temporary: Path
    env: dict[str, str]
    preloaded: Preloaded
    started: list[Running] = field(default_factory=list)
    # What is off by ten points is found by a tenth of the requests.
    rates: tuple[str, ...] = options()
    pytest_rates: tuple[str, ...] = options("--mesh-")
    verify: tuple[str, ...] = ("verify", "-f", "spec", *options())
    endless: tuple[str, ...] = ("--tolerance", "0.3", "--alpha", "1e-9", "--beta", "1e-3")
    pytest_endless: tuple[str, ...] = ("--mesh-tolerance", "0.3", "--mesh-alpha", "1e-9", "--mesh-beta", "1e-3")
    undefined: str = UNDEFINED
    """No verdict for a long time: a signal to such a run arrives while its load is running."""

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

    def suite(self, name: str, *tests: str, v1: int = 90, v2: int = 10) -> Path:
        """A folder of scenarios: the canary, once for each of these tests."""
        place = self.mesh(name, v1, v2)
        calls = [f"def test_{test}(verify):\n    verify(canary)\n" for test in tests]
        (place / f"test_{name}.py").write_text(SUITE + "\n\n".join(calls))
        return place

    def start(self, *arguments: str | Path, output: str = "out", env: dict[str, str] | None = None) -> Running:
        """Start the command; its reports go to the folder `output`."""
        folder = self.here / output
        return self.launch("meshproof", *arguments, "--output", folder, output=folder, env=env)

    def run(self, *arguments: str | Path, env: dict[str, str] | None = None, stdin: str | None = None) -> Ended:
        """Run the command to its end, in a process that finds all imported unless Python has to start otherwise."""
        if not at_start(env or {}):
            words = [str(one) for one in arguments]
            return Ended(*self.preloaded.run(words, self.here, {**self.env, **(env or {})}, stdin, LIMIT))
        return self.launch("meshproof", *arguments, output=self.here, env=env, piped=stdin is not None).end(stdin)

    def pytest(self, *arguments: str | Path, output: str = "out") -> Running:
        """Start pytest with this plugin and none of the tests' own, nor their configuration; reports go to `output`."""
        folder = self.here / output
        return self.launch("pytest", *self._own(), *arguments, "--mesh-output", folder, output=folder)

    def run_pytest(self, *arguments: str | Path, output: str = "out") -> Ended:
        """The same to its end, in a process that finds all imported: what pytest says of that is left out."""
        words = (*self._own(), "-W", "ignore::pytest.PytestAssertRewriteWarning", *arguments)
        words = (*words, "--mesh-output", self.here / output)
        return Ended(*self.preloaded.run([*map(str, words)], self.here, self.env, None, LIMIT, "pytest"))

    def _own(self) -> tuple[str | Path, ...]:
        without = ("-p", "no:cacheprovider", "-p", "no:hypothesispytest")
        return ("-c", os.devnull, "--rootdir", self.here, *without, "--import-mode=importlib")

    def launch(
        self, module: str, *arguments: str | Path, output: Path, env: dict[str, str] | None = None, piped: bool = False
    ) -> Running:
        pipe = subprocess.PIPE
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", module, *map(str, arguments)],
            cwd=self.here,
            env={**self.env, **(env or {})},
            stdin=pipe if piped else subprocess.DEVNULL,
            stdout=pipe,
            stderr=pipe,
            text=True,
        )
        self.started.append(Running(process, output))
        return self.started[-1]

    def left_over(self) -> list[str]:
        """What is still in the folder for temporary files, once it has had the time to go."""
        deadline = time.monotonic() + LIMIT
        while (found := [one.name for one in self.temporary.glob("meshproof*")]) and time.monotonic() < deadline:
            time.sleep(0.01)
        return found

    def close(self) -> None:
        for running in self.started:
            everyone = [*running.family, *running.descendants()]
            running.process.kill()
            for one in everyone:
                if one.is_running():
                    one.kill()
            if not running.process.stdout.closed:
                running.process.communicate()


@pytest.fixture(scope="session")
def places(tmp_path_factory: pytest.TempPathFactory, preloaded: Preloaded) -> Iterator[Callable[[str], Place]]:
    """Make a place by name."""
    with contextlib.ExitStack() as stack:

        def make(name: str) -> Place:
            # A unix socket's path is short: not below pytest's own folder.
            temporary = Path(tempfile.mkdtemp(prefix="m", dir="/tmp"))
            stack.callback(shutil.rmtree, temporary, ignore_errors=True)
            kept = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL", "VIRTUAL_ENV") if name in os.environ}
            paths = os.pathsep.join([str(PACKAGES), *os.environ.get("PYTHONPATH", "").split(os.pathsep)])
            here = tmp_path_factory.mktemp(name)
            own = {"PYTHONPATH": paths, "TMPDIR": str(temporary), "HOME": str(here)}
            made = Place(here, temporary, {**kept, **own}, preloaded)
            stack.callback(made.close)
            return made

        yield make


@pytest.fixture
def place(places: Callable[[str], Place]) -> Iterator[Place]:
    made = places("place")
    yield made
    made.close()
