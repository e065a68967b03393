"""`--mesh-web` and `--mesh-locust-web`: the run as a browser shows it while it goes on."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable
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
    _tell(config, f"live{_of(worker)}: {live.url}")
    return Watched(live)


def locust_page(config: pytest.Config, worker: str) -> Callable[[str, str], None]:
    """What prints where Locust shows the load of a shape, past pytest's capture."""

    def told(shape: str, url: str) -> None:
        _tell(config, f"Locust ({shape}){_of(worker)}: {url or 'it runs in a pod, its page is not served'}")

    return told


def _of(worker: str) -> str:
    return f" ({worker})" if worker else ""


def _tell(config: pytest.Config, text: str) -> None:
    capture = config.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled() if capture else contextlib.nullcontext():
        print(text, file=sys.stderr, flush=True)
