"""A control plane whose start is interrupted ends without a word."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from meshproof.envoy.control_plane.ads import AdsServer


def test_a_start_that_is_cancelled_is_finished_first_so_that_it_can_be_stopped(tmp_path: Path) -> None:
    told: list[dict[str, Any]] = []

    async def run() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))
        server = AdsServer(tmp_path / "ads.sock")
        starting = asyncio.ensure_future(server.start())
        await asyncio.sleep(0)
        starting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await starting
        await server.stop()

    asyncio.run(run())
    assert told == []
