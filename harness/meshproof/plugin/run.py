"""What must be known of a whole pytest run: its exit code, its reports, and the target that it loads."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest

from meshproof.errors import MeshproofError, UsageError
from meshproof.plugin.output import guard
from meshproof.plugin.signals import ignore_both, interrupted_by_sigterm
from meshproof.plugin.wording import as_pytest
from meshproof.plugin.workers import Workers
from meshproof.suite import folder

NAME = "meshproof-run"
"""By which the Run is registered as a plugin."""
EMBEDDED = "embedded"
EXIT_CODE = "meshproof_exit_code"


class NoVerdict(pytest.fail.Exception):  # type: ignore[name-defined,misc]
    """A test that ends without a verdict about the mesh; pytest exits with the code that says why."""

    def __init__(self, reason: str, exit_code: int) -> None:
        super().__init__(as_pytest(_redacted(reason)), pytrace=False)
        self.exit_code = exit_code


class Run:
    """The hooks of one pytest run; the controller collects what each worker of xdist has."""

    def __init__(self, config: pytest.Config, workers: Workers, *, output_closed: bool = False) -> None:
        self._config = config
        self.workers = workers
        self._codes: set[int] = set()
        self.reports: list[str] = []
        self._interrupted = False
        self.driving = False
        self._output: Any = None
        self._output_closed = output_closed
        self._ending = False
        self._undo: Callable[[], None] = lambda: None

    @property
    def interrupted(self) -> bool:
        """Whether this process was, or its controller went before it had told this worker to end."""
        return self._interrupted or self.workers.abandoned

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Only a run with scenarios loads the target that they run on."""
        if tests := scenario_tests(session):
            _load_target(self._config)
            self._output = guard(self._config)
            self.workers.collected([test.nodeid for test in tests])

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

    def pytest_sessionstart(self) -> None:
        """The controller of xdist drives nothing, and gets the signal: its workers end in order when it does."""
        if self.workers.controls:
            self._undo = interrupted_by_sigterm()

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        self._interrupted = excinfo.type is KeyboardInterrupt
        # xdist gives its workers ten seconds to end, and ends them then.
        if self.driving or self.workers.controls:
            ignore_both()
        self._ending = True

    def pytest_internalerror(self) -> None:
        self._ending = True

    @pytest.hookimpl(tryfirst=True, specname="pytest_sessionfinish")
    def pytest_sessionfinish_begins(self) -> None:
        """From here on xdist's controller only waits for the end of its workers, which has a limit."""
        if self.workers.controls:
            ignore_both()
            self._ending = True

    def broke(self, reason: str, exit_code: int) -> None:
        """Report that the end of a run broke: as the last test's error, or in the summary where no test is reported."""
        if not self._ending:
            raise NoVerdict(reason, exit_code)
        self.reports.append(_redacted(reason))
        self._codes.add(exit_code)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Exit with the code of a broken harness or target, which must not look like a mesh that is wrong."""
        if self.workers.name:
            self.workers.end(self.reports, has_scenarios=bool(scenario_tests(session)))
            return
        self.reports += self.workers.merged()
        if self.workers.crashed and (self.workers.had_scenarios or self._config.getoption("--mesh-target") != EMBEDDED):
            self._codes.add(MeshproofError.exit_code)
        if self._undelivered() and session.exitstatus == pytest.ExitCode.OK:
            self._codes.add(MeshproofError.exit_code)
        if self._codes and session.exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
            session.exitstatus = min(self._codes)

    def _undelivered(self) -> bool:
        """Whether what was printed until now did not get anywhere."""
        if self._output is None:
            return False
        self._output.flush()
        return bool(self._output.lost or self._output_closed)

    @pytest.hookimpl(trylast=True)
    def pytest_unconfigure(self) -> None:
        self._undo()
        self.workers.close()
        if self._output is not None:
            self._output.flush()

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        for report in self.reports:
            terminalreporter.write_line(f"meshproof: {report}")
            for line in _replayed(Path(report)):
                terminalreporter.write_line(f"meshproof: {line}")


def _replayed(report: Path) -> list[str]:
    """How what did not pass is done again anywhere; none of what is no report."""
    from meshproof.report.run_folder import HTML, replayed

    return list(replayed(report.parent)) if report.name == HTML else []


def _redacted(reason: str) -> str:
    """The reason without credentials; imported late, since every pytest loads this plugin."""
    from meshproof.redaction.credentials import redact

    return redact(reason)


def _load_target(config: pytest.Config) -> None:
    """Register the fixtures of the chosen target; raises pytest.UsageError."""
    try:
        path = folder("fixtures") / f"{config.getoption('--mesh-target')}.py"
    except UsageError as error:
        raise pytest.UsageError(as_pytest(str(error))) from None
    name = f"meshproof_fixtures_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None or not path.is_file():
        raise pytest.UsageError(f"{path}: there are no fixtures for that target")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    config.pluginmanager.register(module, name)


def scenario_tests(session: pytest.Session) -> list[pytest.Item]:
    """The selected tests that run a scenario: they share the run's alpha."""
    return [item for item in session.items if "mesh_session" in getattr(item, "fixturenames", ())]
