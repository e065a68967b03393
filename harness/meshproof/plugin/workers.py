"""What the controller of xdist and its workers tell each other; a run without workers tells nobody anything."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from meshproof.errors import UsageError

# By which the values are called that go to a worker, and that come back from it.
RUN_ID = "meshproof_run_id"
SCENARIOS_FILE = "meshproof_scenarios_file"
REPORT = "meshproof_report"
HAS_SCENARIOS = "meshproof_scenarios"


class Workers:
    """A plugin beside Run, in the controller and in each worker."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._merged_id = ""
        self._old: frozenset[Path] = frozenset()
        self._reports: list[str] = []
        self._shared: tempfile.TemporaryDirectory[str] | None = None
        self.crashed = False
        self.had_scenarios = False

    @property
    def name(self) -> str:
        """Of this worker; empty in a run without workers and in their controller."""
        return str(getattr(self._config, "workerinput", {}).get("workerid", ""))

    @property
    def controls(self) -> bool:
        """Whether this is the controller of workers."""
        return bool(getattr(self._config.option, "tx", None)) and not self.name

    @property
    def abandoned(self) -> bool:
        """Whether this is a worker to which nobody speaks any more: its channel is open when it may end."""
        channels = (getattr(plugin, "channel", None) for plugin in self._config.pluginmanager.get_plugins())
        return any(_is_closed(channel) for channel in channels if hasattr(channel, "waitclose"))

    def folder(self) -> Path:
        """Where this process keeps its run, which is made by then; a worker's is within the one of all workers.

        Raises UsageError.
        """
        from meshproof.report.run_folder import make, new_run_id

        if not self.name:
            return self._chosen(new_run_id())
        together = self._chosen(self._config.workerinput[RUN_ID])  # type: ignore[attr-defined]
        try:
            make(together)
        except OSError as error:
            raise UsageError(f"{together}: cannot keep the run there: {error.strerror or error}") from None
        return together / self.name

    def collected(self, scenarios: Sequence[str]) -> None:
        """Tell the controller, which collects nothing itself, which tests run scenarios."""
        if self.name:
            told = Path(self._config.workerinput[SCENARIOS_FILE])  # type: ignore[attr-defined]
            whole = told.with_suffix(f".{self.name}")
            whole.write_text(json.dumps(scenarios))
            whole.replace(told)

    def end(self, reports: Sequence[str], *, has_scenarios: bool) -> None:
        """Tell the controller what this worker leaves."""
        self._config.workeroutput[REPORT] = list(reports)  # type: ignore[attr-defined]
        self._config.workeroutput[HAS_SCENARIOS] = has_scenarios  # type: ignore[attr-defined]

    def merged(self) -> list[str]:
        """What workers could only say, and the report of the one run that theirs are made into."""
        runs = sorted(self._runs() - self._old) if self._merged_id else []
        if not runs:
            return self._reports
        from meshproof.report.merge import merge
        from meshproof.report.run_folder import HTML

        try:
            return [*self._reports, str(merge(runs, self._chosen(self._merged_id)))]
        except UsageError as error:
            return [*self._reports, *(str(run / HTML) for run in runs), str(error)]

    def close(self) -> None:
        if self._shared is not None:
            self._shared.cleanup()

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Tell a worker to which run its own belongs."""
        if not self._merged_id:
            from meshproof.report.run_folder import new_run_id

            self._merged_id = new_run_id()
            self._old = self._runs()
        node.workerinput[RUN_ID] = self._merged_id
        node.workerinput[SCENARIOS_FILE] = str(self._scenarios())

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_make_scheduler(self, config: pytest.Config, log: Any) -> Any:
        """Of xdist's own ways to share out tests the usual one alone starts too many sessions of meshes."""
        if config.getoption("dist") != "load":
            return None
        from meshproof.plugin.scheduling import ScenarioScheduling

        return ScenarioScheduling(config, log, self._scenarios())

    @pytest.hookimpl(optionalhook=True)
    def pytest_handlecrashitem(self) -> None:
        """A worker died, which pytest counts as a failure of the test that it ran."""
        self.crashed = True

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        output = getattr(node, "workeroutput", {})
        self._reports += [told for told in output.get(REPORT, []) if not Path(told).is_file()]
        self.had_scenarios |= output.get(HAS_SCENARIOS, False)

    def _scenarios(self) -> Path:
        if self._shared is None:
            self._shared = tempfile.TemporaryDirectory(prefix="meshproof-")
        return Path(self._shared.name) / "scenarios.json"

    def _chosen(self, run_id: str) -> Path:
        from meshproof.report.run_folder import choose

        return choose(run_id, self._config.getoption("--mesh-output"), self._config.invocation_params.dir)

    def _runs(self) -> frozenset[Path]:
        """Those that workers have left, also workers that could not say so any more."""
        from meshproof.report.run_folder import EVENTS

        return frozenset(log.parent for log in self._chosen(self._merged_id).glob(f"*/{EVENTS}"))


def _is_closed(channel: Any) -> bool:
    """Whether execnet's channel will bring nothing any more; isclosed() tells of this side alone."""
    try:
        channel.waitclose(timeout=0)
    except channel.TimeoutError:
        return False
    except channel.RemoteError:
        return True
    return True
