"""What must be known of a whole pytest run: its exit code, its reports, and the target that it loads."""

from __future__ import annotations

import importlib.util
import json
import sys
import tempfile
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest

from meshproof.errors import MeshproofError, UsageError
from meshproof.plugin.output import guard
from meshproof.plugin.signals import ignore_both, interrupted_by_sigterm
from meshproof.plugin.wording import as_pytest
from meshproof.suite import folder

NAME = "meshproof-run"
"""By which the Run is registered as a plugin."""
EMBEDDED = "embedded"
EXIT_CODE = "meshproof_exit_code"
REPORT = "meshproof_report"
HAS_SCENARIOS = "meshproof_scenarios"
RUN_ID = "meshproof_run_id"
SCENARIOS = "meshproof_scenarios_file"


class NoVerdict(pytest.fail.Exception):  # type: ignore[name-defined,misc]
    """A test that ends without a verdict about the mesh; pytest exits with the code that says why."""

    def __init__(self, reason: str, exit_code: int) -> None:
        super().__init__(as_pytest(_redacted(reason)), pytrace=False)
        self.exit_code = exit_code


class Run:
    """The hooks of one pytest run; the controller collects what each worker of xdist has."""

    def __init__(self, config: pytest.Config, *, output_closed: bool = False) -> None:
        self._config = config
        self._codes: set[int] = set()
        self.reports: list[str] = []
        self._merged_id = ""
        self._old: frozenset[Path] = frozenset()
        self._interrupted = False
        self.driving = False
        self._output: Any = None
        self._shared: tempfile.TemporaryDirectory[str] | None = None
        self._output_closed = output_closed
        self._ending = False
        self._crashed = self._has_scenarios = self._controls = False
        self._undo: Callable[[], None] = lambda: None

    @property
    def worker(self) -> str:
        """The name of this xdist worker, empty in a run without workers and in their controller."""
        return str(getattr(self._config, "workerinput", {}).get("workerid", ""))

    @property
    def interrupted(self) -> bool:
        """Whether this process was, or its controller went before it had told this worker to end."""
        return self._interrupted or _abandoned(self._config)

    def folder(self) -> Path:
        """Where this process keeps its run, which is made by then; a worker's is within the one of all workers.

        Raises UsageError.
        """
        from meshproof.report.run_folder import make, new_run_id

        if not self.worker:
            return self._chosen(new_run_id())
        together = self._chosen(self._config.workerinput[RUN_ID])  # type: ignore[attr-defined]
        try:
            make(together)
        except OSError as error:
            raise UsageError(f"{together}: cannot keep the run there: {error.strerror or error}") from None
        return together / self.worker

    def _chosen(self, run_id: str) -> Path:
        from meshproof.report.run_folder import choose

        return choose(run_id, self._config.getoption("--mesh-output"), self._config.invocation_params.dir)

    def _of_workers(self) -> frozenset[Path]:
        """The runs that workers have left, also of those that could not say so any more."""
        from meshproof.report.run_folder import EVENTS

        return frozenset(log.parent for log in self._chosen(self._merged_id).glob(f"*/{EVENTS}"))

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Only a run with scenarios loads the target that they run on."""
        if tests := scenario_tests(session):
            _load_target(self._config)
            self._output = guard(self._config)
            if self.worker:
                self._tell_controller([test.nodeid for test in tests])

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
        self._controls = bool(getattr(self._config.option, "tx", None)) and not self.worker
        if self._controls:
            self._undo = interrupted_by_sigterm()

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Tell a worker of xdist to which run its own belongs."""
        if not self._merged_id:
            from meshproof.report.run_folder import new_run_id

            self._merged_id = new_run_id()
            self._old = self._of_workers()
        node.workerinput[RUN_ID] = self._merged_id
        node.workerinput[SCENARIOS] = str(self._scenarios())

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_make_scheduler(self, config: pytest.Config, log: Any) -> Any:
        """Of xdist's own ways to share out tests the usual one alone starts too many sessions of meshes."""
        if config.getoption("dist") != "load":
            return None
        from meshproof.plugin.scheduling import ScenarioScheduling

        return ScenarioScheduling(config, log, self._scenarios())

    def _scenarios(self) -> Path:
        """The file by which workers tell their controller which tests run scenarios."""
        if self._shared is None:
            self._shared = tempfile.TemporaryDirectory(prefix="meshproof-")
        return Path(self._shared.name) / "scenarios.json"

    def _tell_controller(self, scenarios: list[str]) -> None:
        told = Path(self._config.workerinput[SCENARIOS])  # type: ignore[attr-defined]
        whole = told.with_suffix(f".{self.worker}")
        whole.write_text(json.dumps(scenarios))
        whole.replace(told)

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        self._interrupted = excinfo.type is KeyboardInterrupt
        # xdist gives its workers ten seconds to end, and ends them then.
        if self.driving or self._controls:
            ignore_both()
        self._ending = True

    def pytest_internalerror(self) -> None:
        self._ending = True

    @pytest.hookimpl(tryfirst=True, specname="pytest_sessionfinish")
    def pytest_sessionfinish_begins(self) -> None:
        """From here on xdist's controller only waits for the end of its workers, which has a limit."""
        if self._controls:
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
        if self.worker:
            self._config.workeroutput[REPORT] = self.reports  # type: ignore[attr-defined]
            self._config.workeroutput[HAS_SCENARIOS] = bool(scenario_tests(session))  # type: ignore[attr-defined]
            return
        self._merge()
        if self._crashed and (self._has_scenarios or self._config.getoption("--mesh-target") != EMBEDDED):
            self._codes.add(MeshproofError.exit_code)
        if self._undelivered() and session.exitstatus == pytest.ExitCode.OK:
            self._codes.add(MeshproofError.exit_code)
        if self._codes and session.exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
            session.exitstatus = min(self._codes)

    def _merge(self) -> None:
        """Of the workers' runs make one, whose report is named instead of theirs."""
        runs = sorted(self._of_workers() - self._old) if self._merged_id else []
        if not runs:
            return
        from meshproof.report.merge import merge
        from meshproof.report.run_folder import HTML

        try:
            report = str(merge(runs, self._chosen(self._merged_id)))
        except UsageError as error:
            self.reports += [*(str(run / HTML) for run in runs), str(error)]
        else:
            self.reports.append(report)

    def _undelivered(self) -> bool:
        """Whether what was printed until now did not get anywhere."""
        if self._output is None:
            return False
        self._output.flush()
        return bool(self._output.lost or self._output_closed)

    @pytest.hookimpl(trylast=True)
    def pytest_unconfigure(self) -> None:
        self._undo()
        if self._shared is not None:
            self._shared.cleanup()
        if self._output is not None:
            self._output.flush()

    @pytest.hookimpl(optionalhook=True)
    def pytest_handlecrashitem(self) -> None:
        """A worker of xdist died, which pytest counts as a failure of the test that it ran."""
        self._crashed = True

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        output = getattr(node, "workeroutput", {})
        self.reports += [told for told in output.get(REPORT, []) if not Path(told).is_file()]
        self._has_scenarios |= output.get(HAS_SCENARIOS, False)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        for report in self.reports:
            terminalreporter.write_line(f"meshproof: {report}")
            for line in _replayed(Path(report)):
                terminalreporter.write_line(f"meshproof: {line}")


def _abandoned(config: pytest.Config) -> bool:
    """Whether this is a worker of xdist to which nobody speaks any more: its channel is open when it may end."""
    channels = (getattr(plugin, "channel", None) for plugin in config.pluginmanager.get_plugins())
    return any(_is_closed(channel) for channel in channels if hasattr(channel, "waitclose"))


def _is_closed(channel: Any) -> bool:
    """Whether execnet's channel will bring nothing any more; isclosed() tells of this side alone."""
    try:
        channel.waitclose(timeout=0)
    except channel.TimeoutError:
        return False
    except channel.RemoteError:
        return True
    return True


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
