"""`--mesh-web`: the run as a browser shows it while it goes on."""

from __future__ import annotations

import contextlib
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from meshproof.report.events import Event
    from meshproof.report.web.live import Live


class Watched:
    """Serves a run of tests. Which scenarios these drive shows as they begin: a run of pytest knows its tests alone."""

    def __init__(self, live: Live) -> None:
        self._live = live

    def handle(self, event: Event) -> None:
        from meshproof.report.events import RunStarted

        self._live.handle(replace(event, scenarios=()) if isinstance(event, RunStarted) else event)

    def close(self) -> None:
        self._live.close()


def watched(config: pytest.Config, folder: Path, worker: str) -> Watched:
    """What serves the run in a folder until it is closed; its address is printed past pytest's capture.

    Each `worker` of xdist has a run of its own, and an address. Raises TargetError.
    """
    from meshproof.report.web.live import Live

    live = Live(folder)
    capture = config.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled() if capture else contextlib.nullcontext():
        print(f"live{f' ({worker})' if worker else ''}: {live.url}", file=sys.stderr, flush=True)
    return Watched(live)
