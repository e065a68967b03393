"""The pytest plugin: options `--mesh-*`, and the fixture `verify` that puts a scenario to the proof.

Loaded by every pytest of an environment that has meshproof, so it imports what it needs only when
a scenario runs.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib.util
import sys
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from meshproof import plugin_targets
from meshproof.border.load import MOST_WORKERS
from meshproof.border.verdict import ERROR_RATES, TOLERANCE_POINTS
from meshproof.errors import MeshproofError, UsageError
from meshproof.suite import folder

if TYPE_CHECKING:
    from meshproof.inspection import Inspection
    from meshproof.run.session import Session
    from meshproof.scenario import Scenario
    from meshproof.targets.base import Target

TARGETS = ("embedded", "kind", "cluster", "hosts")
EXIT_CODE = "meshproof_exit_code"
REPORT = "meshproof_report"
HOLDS = "meshproof_scenarios"


class NoVerdict(pytest.fail.Exception):  # type: ignore[name-defined,misc]
    """A test that ends without a verdict about the mesh; pytest exits with the code that says why."""

    def __init__(self, reason: str, exit_code: int) -> None:
        super().__init__(reason, pytrace=False)
        self.exit_code = exit_code


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("meshproof", "service mesh verification")
    group.addoption("--mesh-target", default="embedded", choices=TARGETS, help="where scenarios run")
    plugin_targets.add(group)
    group.addoption(
        "--mesh-alpha", type=_within(*ERROR_RATES), default=0.001, help="probability of failing a mesh that conforms"
    )
    group.addoption(
        "--mesh-beta",
        type=_within(*ERROR_RATES),
        default=0.01,
        help="probability of passing one wrong by the tolerance",
    )
    group.addoption(
        "--mesh-tolerance", type=_within(*TOLERANCE_POINTS), default=3.0, metavar="POINTS", help="in percentage points"
    )
    group.addoption(
        "--mesh-max-requests",
        type=plugin_targets.whole(1, 1 << 31),
        default=None,
        metavar="N",
        help="cap for each check",
    )
    group.addoption(
        "--mesh-workers",
        type=plugin_targets.whole(0, MOST_WORKERS),
        default=0,
        metavar="N",
        help="Locust workers for each load; 0: one process",
    )
    group.addoption("--mesh-seed", type=int, default=0, help="seeds the request ids")
    group.addoption("--mesh-output", type=Path, default=None, metavar="DIR", help="folder for the run's reports")


def _within(low: float, high: float) -> Callable[[str], float]:
    def number(text: str) -> float:
        value = float(text)
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"{text} is not between {low:g} and {high:g}")
        return value

    return number


def pytest_configure(config: pytest.Config) -> None:
    plugin_targets.check(config)
    config.pluginmanager.register(Run(config), "meshproof-run")


class Run:
    """What must be known of a whole pytest run: it is asked for at its end, and across the workers of xdist."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._codes: set[int] = set()
        self.reports: list[str] = []
        self.interrupted = False
        self._ending = False
        self._crashed = self._holds = False

    @property
    def worker(self) -> str:
        """The name of this xdist worker, empty in a run without workers and in their controller."""
        return str(getattr(self._config, "workerinput", {}).get("workerid", ""))

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Only a run that holds scenarios loads the target that they run on."""
        if _scenarios(session):
            _load_target(self._config)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        if call.excinfo is not None and isinstance(call.excinfo.value, NoVerdict):
            report.user_properties.append((EXIT_CODE, call.excinfo.value.exit_code))
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._codes |= {int(str(value)) for name, value in report.user_properties if name == EXIT_CODE}

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        self.interrupted = excinfo.type is KeyboardInterrupt
        self._ending = True

    def pytest_internalerror(self) -> None:
        self._ending = True

    def broke(self, reason: str, exit_code: int) -> None:
        """Tell that the ending of a run broke: as the last test's error, or at the end where no test is reported."""
        if not self._ending:
            raise NoVerdict(reason, exit_code)
        self.reports.append(reason)
        self._codes.add(exit_code)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """That the harness or its target broke must not look like a mesh that is wrong."""
        if self.worker:
            self._config.workeroutput[REPORT] = self.reports  # type: ignore[attr-defined]
            self._config.workeroutput[HOLDS] = bool(_scenarios(session))  # type: ignore[attr-defined]
            return
        if self._crashed and (self._holds or self._config.getoption("--mesh-target") != TARGETS[0]):
            self._codes.add(MeshproofError.exit_code)
        if self._codes and session.exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
            session.exitstatus = min(self._codes)

    @pytest.hookimpl(optionalhook=True)
    def pytest_handlecrashitem(self) -> None:
        """A worker of xdist died, which counts as a failed test of whatever it was at."""
        self._crashed = True

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        told = getattr(node, "workeroutput", {})
        self.reports += told.get(REPORT, [])
        self._holds |= told.get(HOLDS, False)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        for report in self.reports:
            terminalreporter.write_line(f"meshproof: {report}")


def _load_target(config: pytest.Config) -> None:
    """Register the fixtures of the chosen target; raises pytest.UsageError."""
    try:
        path = folder("fixtures") / f"{config.getoption('--mesh-target')}.py"
    except UsageError as error:
        raise pytest.UsageError(str(error)) from None
    name = f"meshproof_fixtures_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None or not path.is_file():
        raise pytest.UsageError(f"{path}: there are no fixtures for that target")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    config.pluginmanager.register(module, name)


def _scenarios(session: pytest.Session) -> list[pytest.Item]:
    """The selected tests that run a scenario: they share the run's alpha."""
    return [item for item in session.items if "mesh_session" in getattr(item, "fixturenames", ())]


@pytest.fixture(scope="session")
def mesh_session(request: pytest.FixtureRequest, mesh_target: Target) -> Iterator[tuple[asyncio.Runner, Session]]:
    """One run for the whole pytest session: the target is up and load generators are shared."""
    from meshproof.border.verdict import Precision
    from meshproof.report.run_folder import RunFolder, choose, new_run_id
    from meshproof.run.broken import Breaks
    from meshproof.run.session import Options, Session

    run = request.config.pluginmanager.getplugin("meshproof-run")
    assert isinstance(run, Run)
    option = request.config.getoption
    precision = Precision(
        option("--mesh-alpha"), option("--mesh-beta"), option("--mesh-tolerance") / 100, option("--mesh-max-requests")
    )
    output = option("--mesh-output")
    try:
        mesh_target.preflight()
        kept = RunFolder(
            choose(new_run_id(), output / run.worker if output else None, request.config.invocation_params.dir)
        )
    except MeshproofError as error:
        raise NoVerdict(str(error), error.exit_code) from None
    run.reports.append(str(kept.report))
    options = Options(precision, option("--mesh-seed"), timeouts=mesh_target.timeouts, workers=option("--mesh-workers"))
    breaks = Breaks()
    session = Session(mesh_target, kept.path, [kept, breaks], options)
    names = [item.name for item in _scenarios(request.session)]
    with asyncio.Runner() as runner:
        try:
            runner.run(session.open(names, ["steady"], command=("pytest", *request.config.invocation_params.args)))
        except BaseException as error:
            code = runner.run(session.close(error))
            if isinstance(error, MeshproofError):
                raise NoVerdict(str(error), code) from None
            raise
        yield runner, session
        breaks.words.clear()
        code = runner.run(session.close(KeyboardInterrupt() if run.interrupted else None))
    if breaks.words:
        run.broke("\n".join(breaks.words), code)


@pytest.fixture
def verify(
    request: pytest.FixtureRequest, mesh_session: tuple[asyncio.Runner, Session]
) -> Callable[[Scenario | Inspection[Any]], None]:
    """Call it with a Scenario whose manifests stand beside the test, or an Inspection: passes, fails or skips."""
    from meshproof.border.verdict import Outcome
    from meshproof.inspection import Inspection
    from meshproof.run.prepare import prepare

    runner, session = mesh_session

    def call(scenario: Scenario | Inspection[Any]) -> None:
        __tracebackhide__ = True
        precision = session.options.precision.shared(len(_scenarios(request.session)))
        try:
            if isinstance(scenario, Inspection):
                result = runner.run(session.inspect(scenario))
            else:
                result = runner.run(
                    session.run(prepare(scenario, request.path.parent, precision, session.target.namespace))
                )
        except UsageError as error:
            raise NoVerdict(str(error), error.exit_code) from None
        if result.outcome is Outcome.ERROR:
            raise NoVerdict(result.reason, MeshproofError.exit_code)
        if result.outcome is Outcome.SKIPPED:
            pytest.skip(result.reason)
        if result.outcome is not Outcome.PASSED:
            words = [f"{v.check} {v.outcome}: {v.reason}" for v in result.verdicts if v.outcome is not Outcome.PASSED]
            pytest.fail("\n".join(words), pytrace=False)

    return call
