"""pytest's own output in a run with scenarios: where it is closed or full, that is no verdict about the mesh."""

from __future__ import annotations

import os
import sys
from typing import Any

import pytest


def open_closed() -> bool:
    """Open closed standard streams on the null device before pytest uses them; whether standard output was closed."""
    closed = sys.stdout is None
    if closed:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115
    return closed


def guard(config: pytest.Config) -> Any:
    """Have pytest's terminal write to a stream that never raises; that stream, None where there is none to guard."""
    from meshproof.streams import guarded

    reporter = config.pluginmanager.getplugin("terminalreporter")
    writer = getattr(reporter, "_tw", None)
    stream = guarded(getattr(writer, "_file", None))
    if stream is not None:
        writer._file = stream  # type: ignore[union-attr]
    return stream
