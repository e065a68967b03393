"""One sidecar, one gateway and the pods behind them, shared by every generated mesh."""

from __future__ import annotations

import asyncio
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from differential_site import Site, opened


@pytest.fixture(scope="session")
def proving_ground() -> Iterator[tuple[asyncio.Runner, Site]]:
    """A loop, and what runs on it; it leaves nothing behind."""
    folder = Path(tempfile.mkdtemp(prefix="mp-"))
    try:
        with asyncio.Runner() as runner:
            context = opened(folder)
            site = runner.run(context.__aenter__())
            try:
                yield runner, site
            finally:
                runner.run(context.__aexit__(None, None, None))
    finally:
        shutil.rmtree(folder)
