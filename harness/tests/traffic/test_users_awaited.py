"""Locust's users are waited for so long and no longer; the error says how many came, and where."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from meshproof.border.load import Load
from meshproof.errors import TargetError
from meshproof.traffic import command

pytestmark = pytest.mark.long

LIMIT = 60.0
# The first user of a process is there when it gets ready; the next one never is.
STUCK = """
import threading
from gevent import monkey
from locust import User, events, task
from meshproof.traffic.generator.dispatcher import Dispatcher
from meshproof.traffic.role import listen

dispatcher = Dispatcher(monkey.get_original, growth={growth})
listen(dispatcher, events)


class Stuck(User):
    made = 0

    def __init__(self, environment):
        super().__init__(environment)
        Stuck.made += 1
        if Stuck.made > 1:
            threading.Event().wait()

    @task
    def nothing(self):
        threading.Event().wait()
"""


@pytest.mark.parametrize(
    ("workers", "words"),
    [
        (0, "1 of Locust's 3 users are there after 1.5 s"),
        (2, "2 of Locust's 3 users are there after 1.5 s (of each worker: 1, 1)"),
    ],
)
def test_users_that_do_not_come_are_an_error_that_counts_them(
    stand: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workers: int, words: str
) -> None:
    locustfile = tmp_path / "stuck.py"
    locustfile.write_text(STUCK.format(growth=0.0))
    monkeypatch.setattr(command, "locustfile", lambda _shape: locustfile)

    async def run() -> None:
        async with stand(locust_users=1.5, locust_silent=15.0) as here, asyncio.timeout(LIMIT):
            generator = await here.generator("stuck", workers)
            with pytest.raises(TargetError, match="load generator: died") as failure:
                await generator.begin(Load("stuck", "GET http://echo/a", users=3), {"echo:80": ("127.0.0.1", 9)}, "t-")
            assert words in failure.value.detail

    asyncio.run(run())


def test_so_are_the_further_users_of_a_load_that_grows(
    stand: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    locustfile = tmp_path / "stuck.py"
    locustfile.write_text(STUCK.format(growth=0.3))
    monkeypatch.setattr(command, "locustfile", lambda _shape: locustfile)

    async def run() -> None:
        async with stand(locust_users=1.5, locust_silent=15.0) as here, asyncio.timeout(LIMIT):
            generator = await here.generator("stuck", 2)
            await generator.begin(Load("stuck", "GET http://echo/a", users=3), {"echo:80": ("127.0.0.1", 9)}, "t-")
            generator.grant(0, 1)
            with pytest.raises(TargetError, match="load generator: died") as failure:
                await here.collect(generator, 1)
            assert "of Locust's 3 users are there after 1.5 s" in failure.value.detail

    asyncio.run(run())
