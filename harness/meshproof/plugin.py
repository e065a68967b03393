"""The pytest plugin: options `--mesh-*`, and the fixture `verify` that puts a scenario to the proof.

Loaded by every pytest of an environment that has meshproof, so it imports what it needs only when
a scenario runs.
"""

from __future__ import annotations

import asyncio
import importlib.util
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from meshproof.errors import MeshproofError, UsageError
from meshproof.suite import folder

if TYPE_CHECKING:
    from meshproof.run.session import Session
    from meshproof.scenario import Scenario
    from meshproof.target.base import Target

OUTCOME = "meshproof_outcome"
FOLDER = pytest.StashKey[Path]()
CODES = pytest.StashKey[list[int]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("meshproof", "service mesh verification")
    group.addoption("--mesh-target", default="embedded", choices=["embedded"], help="where scenarios run")
    group.addoption("--mesh-alpha", type=float, default=0.001, help="probability of failing a mesh that conforms")
    group.addoption("--mesh-beta", type=float, default=0.01, help="probability of passing one wrong by the tolerance")
    group.addoption("--mesh-tolerance", type=float, default=3.0, metavar="POINTS", help="in percentage points")
    group.addoption("--mesh-max-requests", type=int, default=None, metavar="N", help="cap for each check")
    group.addoption("--mesh-seed", type=int, default=0, help="seeds the request ids")
    group.addoption("--mesh-output", type=Path, default=None, metavar="DIR", help="folder for the run's reports")


def pytest_configure(config: pytest.Config) -> None:
    config.stash[CODES] = []
    path = folder("fixtures") / f"{config.getoption('--mesh-target')}.py"
    name = f"meshproof_fixtures_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise pytest.UsageError(f"{path}: cannot be imported")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    config.pluginmanager.register(module, name)


@pytest.fixture(scope="session")
def mesh_session(request: pytest.FixtureRequest, mesh_target: Target) -> Iterator[tuple[asyncio.Runner, Session]]:
    """One run for the whole pytest session: the target is up and load generators are shared."""
    from meshproof.border.verdict import Precision
    from meshproof.report.run_folder import RunFolder, choose, new_run_id
    from meshproof.run.session import Options, Session

    option = request.config.getoption
    precision = Precision(
        option("--mesh-alpha"), option("--mesh-beta"), option("--mesh-tolerance") / 100, option("--mesh-max-requests")
    )
    run = RunFolder(choose(new_run_id(), option("--mesh-output"), request.config.invocation_params.dir))
    request.config.stash[FOLDER] = run.path
    session = Session(mesh_target, run.path, [run], Options(precision, option("--mesh-seed")))
    names = [item.name for item in _items(request)]
    with asyncio.Runner() as runner:
        try:
            runner.run(session.open(names, ["steady"], command=("pytest", *request.config.invocation_params.args)))
            yield runner, session
        finally:
            runner.run(session.close())


@pytest.fixture
def verify(request: pytest.FixtureRequest, mesh_session: tuple[asyncio.Runner, Session]) -> Callable[[Scenario], None]:
    """Call it with a Scenario whose manifests stand beside the test: passes, fails or skips the test."""
    from meshproof.border.verdict import Outcome
    from meshproof.run.prepare import prepare

    runner, session = mesh_session

    def call(scenario: Scenario) -> None:
        __tracebackhide__ = True
        precision = session.options.precision.shared(len(_items(request)))
        try:
            prepared = prepare(scenario, request.path.parent, precision)
        except UsageError as error:
            pytest.fail(str(error), pytrace=False)
        result = runner.run(session.run(prepared))
        request.node.user_properties.append((OUTCOME, str(result.outcome)))
        if result.outcome is Outcome.SKIPPED:
            pytest.skip(result.reason)
        if result.outcome is not Outcome.PASSED:
            words = [f"{v.check} {v.outcome}: {v.reason}" for v in result.verdicts if v.outcome is not Outcome.PASSED]
            pytest.fail("\n".join(words or [result.reason]), pytrace=False)

    return call


def _items(request: pytest.FixtureRequest) -> list[Any]:
    """The selected tests that run a scenario: they share the run's alpha."""
    return [item for item in request.session.items if "verify" in getattr(item, "fixturenames", ())]


@pytest.hookimpl(trylast=True)
def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    for name, value in report.user_properties:
        if name == OUTCOME and value == "error" and report.when == "call":
            _BROKE.append(report.nodeid)


_BROKE: list[str] = []


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """That the harness or its target broke must not look like a mesh that is wrong."""
    if _BROKE and session.exitstatus == pytest.ExitCode.TESTS_FAILED:
        session.exitstatus = MeshproofError.exit_code


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    run = config.stash.get(FOLDER, None)
    if run is not None:
        terminalreporter.write_line(f"meshproof: {run / 'report.html'}")
