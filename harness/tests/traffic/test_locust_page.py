"""Locust's own web page shows a driven load; whoever alters the load there gets an error, never a verdict."""

from __future__ import annotations

import asyncio
import json
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
from meshproof.border.load import Load, Vantage
from meshproof.border.timeouts import Timeouts
from meshproof.errors import TargetError
from meshproof.run.generators import Generators
from meshproof.traffic.locust import Generator

LIMIT = 60.0
LOAD = Load("steady", ("GET http://echo/a", "GET http://echo/b"), users=4)


class Page:
    """Where the pages are, by the shapes of their loads."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str]] = []

    def __call__(self, shape: str, url: str) -> None:
        self.told.append((shape, url))

    @property
    def url(self) -> str:
        (told,) = self.told
        return told[1]

    async def ask(self, path: str, method: str = "GET", **headers: str) -> tuple[int, str]:
        """Status and body; 0 where the connection ends without an answer."""

        def answer() -> tuple[int, str]:
            data = b"user_count=9&spawn_rate=9" if method == "POST" else None
            request = urllib.request.Request(self.url + path, data=data, method=method, headers=headers)
            try:
                with urllib.request.urlopen(request, timeout=LIMIT) as got:
                    return got.status, got.read().decode()
            except urllib.error.HTTPError as error:
                return error.code, error.read().decode()
            except OSError:
                return 0, ""

        return await asyncio.to_thread(answer)

    async def counted(self, count: int) -> dict[str, Any]:
        """What the page says of the requests, once it has so many: workers report every few seconds."""
        while True:
            stats: dict[str, Any] = json.loads((await self.ask("stats/requests"))[1])
            if stats["stats"][-1]["num_requests"] >= count:
                return stats
            await asyncio.sleep(0.2)


async def begun(here: Any, page: Page, workers: int) -> tuple[Any, Generator]:
    probe = await here.probe()
    vantage = Vantage(workers=(Vantage(),) * workers)
    generator = await Generator.start("steady", vantage, here.folder / "locust.log", here.timeouts, page=page)
    here.stack.push_async_callback(generator.close)
    await generator.begin(LOAD, {"echo:80": ("127.0.0.1", probe.ports[80])}, "t-")
    return probe, generator


def listening(pid: int) -> list[Any]:
    return [one.laddr for one in psutil.Process(pid).net_connections() if one.status == "LISTEN"]


@pytest.mark.parametrize("workers", [0, pytest.param(2, marks=pytest.mark.long)])
def test_it_is_that_of_the_locust_that_drives(stand: Callable[..., Any], workers: int) -> None:
    async def run() -> None:
        async with stand() as here, asyncio.timeout(LIMIT):
            page = Page()
            _, generator = await begun(here, page, workers)
            generator.grant_each([(0, 60), (1, 40)])
            seen = await here.collect(generator, 100)
            assert len(seen) == 100
            status, text = await page.ask("")
            assert (status, "<title>Locust" in text) == (200, True)
            stats = await page.counted(100)
            assert {one["name"]: one["num_requests"] for one in stats["stats"]} == {
                "/a": 60,
                "/b": 40,
                "Aggregated": 100,
            }
            assert (stats["state"], stats["user_count"]) == ("running", 4)
            assert len(stats.get("workers", ())) == workers
            places = listening(generator.pid)
            assert {place.ip for place in places} == {"127.0.0.1"}
            assert page.url in [f"http://127.0.0.1:{place.port}/" for place in places]
            # What the page has counted may be emptied; what the harness has counted stays.
            emptied = [(await page.ask("stats/reset", method))[0] for method in ("POST", "GET")]
            # Releases of Locust take the one or the other.
            assert sorted(emptied) == [200, 405]
            generator.grant(0, 70)
            assert len(await here.collect(generator, 10) + await here.rest(generator)) == 10
            await generator.close()
            assert (await page.ask(""))[0] == 0

    asyncio.run(run())


@pytest.mark.parametrize("workers", [0, pytest.param(2, marks=pytest.mark.long)])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "stop"),
        ("POST", "swarm"),
        *(pytest.param("POST", one, marks=pytest.mark.long) for one in ("stop", "user")),
    ],
)
def test_a_load_that_was_altered_there_is_an_error(
    stand: Callable[..., Any], method: str, path: str, workers: int
) -> None:
    async def run() -> None:
        async with stand() as here, asyncio.timeout(LIMIT):
            page = Page()
            _, generator = await begun(here, page, workers)
            generator.grant(0, 50)
            await here.collect(generator, 50)
            assert (await page.ask(path, method))[0] == 0
            with pytest.raises(TargetError, match="load generator: died") as failure:
                await generator.finish()
            assert f"altered by hand on Locust's web page ({method} /{path})" in failure.value.detail

    asyncio.run(run())


def test_another_site_in_the_browser_neither_reads_it_nor_alters_the_load(stand: Callable[..., Any]) -> None:
    async def run() -> None:
        async with stand() as here, asyncio.timeout(LIMIT):
            page = Page()
            _, generator = await begun(here, page, 0)
            for path, method in (("stop", "POST"), ("swarm", "POST"), ("stats/requests", "GET")):
                assert (await page.ask(path, method, Origin="http://elsewhere.example"))[0] == 403
                assert (await page.ask(path, method, Host="elsewhere.example"))[0] == 403
            own = page.url.rstrip("/")
            assert (await page.ask("stats/requests", Origin=own))[0] == 200
            # Locust may get further routes; only those that are known to show alone are served.
            assert (await page.ask("start"))[0] == 403
            generator.grant(0, 20)
            assert len(await here.collect(generator, 20) + await here.rest(generator)) == 20

    asyncio.run(run())


def test_there_is_none_unless_it_is_asked_for(stand: Callable[..., Any]) -> None:
    async def run() -> None:
        async with stand() as here, asyncio.timeout(LIMIT):
            _, generator = await here.both(LOAD)
            assert listening(generator.pid) == []

    asyncio.run(run())


def test_of_a_load_that_runs_elsewhere_it_is_said_that_there_is_none(tmp_path: Path) -> None:
    async def run() -> None:
        page = Page()
        generators = Generators(tmp_path, Timeouts(), page)
        generators.prepare("steady", Vantage(command=("sleep", "60")))
        await asyncio.sleep(0)
        await generators.close()
        assert page.told == [("steady", "")]

    asyncio.run(run())
