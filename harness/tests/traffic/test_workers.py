"""A Locust master with two workers does all that one Locust process does."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
from meshproof.border.load import Load, Vantage
from meshproof.border.observation import Observation
from meshproof.errors import TargetError, UsageError
from meshproof.run.pacing.shapes import spread
from meshproof.traffic.command import worker_line
from meshproof.traffic.locust import Generator, command_line

LIMIT = 60.0
STAGES = (0, -1, 1, -2, 2)


def workers_of(generator: Generator) -> list[psutil.Process]:
    """The worker processes in their order, each below the guard that ends it with its owner."""
    return [psutil.Process(pid).children()[0] for pid in generator.workers]


def lives(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def all_gone(processes: list[psutil.Process]) -> None:
    deadline = time.monotonic() + LIMIT
    while any(map(lives, processes)):
        assert time.monotonic() < deadline, "a process outlived its owner"
        time.sleep(0.02)


async def granted(here: Any, generator: Generator, probe: Any) -> None:
    """Every granted request is sent exactly once and reported once."""
    began = time.perf_counter()
    seen: list[Observation] = []
    for total in (1, 37, 900):
        generator.grant(0, total)
        seen += await here.collect(generator, total - len(seen))
        # One message to all workers and back: time to send more, if they were going to.
        await generator.stage(0)
        assert (await probe.books(requests=False)).received == total == len(seen)
    seen += await here.rest(generator)
    book = await probe.books()
    assert len(seen) == len({o.id for o in seen}) == 900
    assert Counter(o.id for o in seen) == Counter(r.id for r in book.requests)
    assert {o.id.rpartition("-")[0] for o in seen} == {"t-0", "t-1"}
    assert book.high_water <= 8
    assert {(o.status, o.pod, o.error) for o in seen} == {(200, "echo-0", "")}
    # All of them count from one moment, on the clock that the harness reads too.
    assert abs(generator.began - began) < LIMIT
    at = {r.id: r.at for r in book.requests}
    lead = [at[o.id] - o.started for o in seen]
    by_worker = [min(late for o, late in zip(seen, lead, strict=True) if o.id.startswith(f"t-{n}")) for n in (0, 1)]
    assert abs(by_worker[0] - by_worker[1]) < 0.25


async def staged(here: Any, generator: Generator, probe: Any) -> None:
    """Once a stage is in force nothing of an earlier one arrives, from whichever worker."""
    seen: list[Observation] = []
    generator.grant(0, 100)

    async def more(count: int) -> None:
        wanted = len(seen) + count
        async for batch in generator.observations():
            seen.extend(batch)
            generator.grant(0, len(seen) + 100)
            if len(seen) >= wanted:
                return

    for stage in STAGES[1:]:
        await more(150)
        await generator.stage(stage)
        await probe.open()
    await more(150)
    seen += await here.rest(generator)
    tags = {o.id: o.stage for o in seen}
    assert {tags[r.id] for r in (await probe.books()).requests} == {2}
    ended = {stage: max(o.started + o.latency for o in seen if o.stage == stage) for stage in STAGES}
    for one, other in zip(STAGES[:-2], STAGES[2:], strict=True):
        # A stage may begin while the one before still ends, not the one before that.
        assert min(o.started for o in seen if o.stage == other) > ended[one] - 0.001
    # Of 150 that are waited for, 100 may have been sent before the stage was.
    assert all(list(tags.values()).count(stage) >= 50 for stage in STAGES)


async def limited(here: Any, generator: Generator, probe: Any) -> None:
    """No more are under way at once than the limit, in all, and they are sent all the same."""
    total = 0
    for users in (1, 3, 6, 2):
        await probe.open()
        await probe.hold()
        generator.limit_users(users)
        total += 40
        generator.grant(0, total)
        assert await probe.held(users, within=LIMIT) == users
        await probe.release()
        assert len(await here.collect(generator, 40)) == 40
        assert (await probe.books(requests=False)).high_water == users
    assert await here.rest(generator) == []


async def one_user(here: Any, generator: Generator, probe: Any) -> None:
    """With fewer users than workers nothing waits for a worker that has none; all of them are busy at once."""
    generator.grant(0, 4)
    generator.grant(1, 2)
    seen = await here.collect(generator, 6)
    assert Counter(o.request for o in seen) == {0: 4, 1: 2}
    assert len({o.id.rpartition("-")[0] for o in seen}) == 1
    assert await here.rest(generator) == []


async def one_after_another(here: Any, generator: Generator, probe: Any) -> None:
    """Only the worker whose turn it is sends, also what the one before it was allowed to send."""
    generator.limit_users(2)
    generator.only_client(1)
    generator.grant(0, 7)
    seen = await here.collect(generator, 7)
    generator.only_client(0)
    generator.grant(0, 12)
    seen += await here.collect(generator, 5)
    assert [o.id.rpartition("-")[0] for o in seen] == ["t-1"] * 7 + ["t-0"] * 5
    generator.only_client(None)
    await probe.hold()
    generator.limit_users(8)
    generator.grant(0, 20)
    assert await probe.held(8, within=LIMIT) == 8
    await probe.release()
    seen = await here.rest(generator)
    assert {o.id.rpartition("-")[0] for o in seen} == {"t-0", "t-1"}


def test_two_workers_carry_loads_out_one_after_another(stand: Callable[..., Any]) -> None:
    cases = ((granted, 8), (staged, 8), (limited, 6), (one_user, 1), (one_after_another, 8), (granted, 5))

    async def run() -> None:
        async with stand() as here:
            send = ("GET http://echo/a", "GET http://echo/b")
            probe, generator = await here.both(Load("steady", send, users=8), workers=2)
            where = {"echo:80": ("127.0.0.1", probe.ports[80])}
            for number, (case, users) in enumerate(cases):
                if number:
                    await generator.begin(Load("steady", send, users=users), where, "t-")
                    await probe.open()
                await case(here, generator, probe)
            listening = [one.laddr for one in psutil.Process(generator.pid).net_connections() if one.status == "LISTEN"]
            assert [place.ip for place in listening] == ["127.0.0.1"]
            assert listening[0].port != 5557

    asyncio.run(run())


@pytest.mark.long
def test_as_many_as_there_are_users_are_under_way_at_once(stand: Callable[..., Any]) -> None:
    async def run() -> None:
        async with stand() as here:
            probe, generator = await here.both(Load("ramp", "GET http://echo/a", users=5), workers=2)
            await probe.hold()
            generator.grant(0, 100)
            # They come one after another, at this worker and at that.
            assert await probe.held(5, within=LIMIT) == 5
            await probe.release()
            assert len(await here.collect(generator, 100) + await here.rest(generator)) == 100
            arrivals = sorted(received.at for received in (await probe.books()).requests)
            assert arrivals[4] - arrivals[0] > 1.5

    asyncio.run(run())


@pytest.mark.long
@pytest.mark.parametrize(
    ("number", "limit", "within", "words"),
    [
        (signal.SIGKILL, LIMIT, 2.0, r"Locust worker 1 of 2: died \(exit code 137\)"),
        (signal.SIGSTOP, 5.0, LIMIT, "sent nothing for"),
    ],
)
def test_a_worker_that_dies_or_hangs_is_an_error(
    stand: Callable[..., Any], number: int, limit: float, within: float, words: str
) -> None:
    async def run() -> None:
        async with stand(locust_silent=limit) as here:
            _, generator = await here.both(Load("steady", "GET http://echo/a", users=4), workers=2)
            everyone = [psutil.Process(generator.pid), *workers_of(generator)]
            assert len(everyone) == 3
            for file in here.folder.glob("locust*.log"):
                with file.open("a") as log:
                    log.write("out of memory, say\n")
            ended = 0.0

            async def endless() -> None:
                nonlocal ended
                count = 0
                generator.grant(0, 100)
                async for batch in generator.observations():
                    if not count:
                        os.kill(everyone[1].pid, number)
                        ended = time.monotonic()
                    count += len(batch)
                    generator.grant(0, count + 100)

            async with asyncio.timeout(LIMIT + limit):
                with pytest.raises(TargetError) as failure:
                    await endless()
            assert time.monotonic() - ended < within
            assert "out of memory, say" in failure.value.detail
            # When the other worker has nothing left to send either, the harness may notice first.
            assert re.search(words, failure.value.message + failure.value.detail)
            with pytest.raises(TargetError):
                await generator.finish()
            await generator.close()
            all_gone(everyone)

    asyncio.run(run())


OWNER = """
import asyncio, sys
from pathlib import Path
from meshproof.border.load import Load, Vantage
from meshproof.border.timeouts import Timeouts
from meshproof.traffic.locust import Generator

async def main(folder):
    here = Vantage(workers=(Vantage(),) * 2)
    generator = await Generator.start("steady", here, folder / "locust.log", Timeouts())
    await generator.begin(Load("steady", "GET http://echo/"), {"echo:80": ("127.0.0.1", 9)}, "o-")
    print(generator.pid, *generator.workers, flush=True)
    await asyncio.Event().wait()

asyncio.run(main(Path(sys.argv[1])))
"""


@pytest.mark.long
def test_when_the_owner_is_killed_no_worker_is_left(tmp_path: Path) -> None:
    owner = subprocess.Popen([sys.executable, "-c", OWNER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert owner.stdout is not None
    started = [psutil.Process(int(pid)) for pid in owner.stdout.readline().split()]
    everyone = [*started, *(child for one in started for child in one.children())]
    assert len(everyone) == 5
    # One that hangs goes too.
    os.kill(everyone[-1].pid, signal.SIGSTOP)
    owner.kill()
    owner.wait(5)
    owner.stdout.close()
    all_gone(everyone)


def test_what_must_be_sent_by_one_process_is() -> None:
    assert [spread(shape, 1, 3) for shape in ("steady", "ramp", "burst", "barrier", "ejection")] == [3, 3, 0, 0, 0]
    assert [spread(shape, 2, 3) for shape in ("steady", "barrier")] == [2, 2]
    with pytest.raises(UsageError, match="sent all at once"):
        command_line("burst", Vantage(workers=(Vantage(),) * 2))


def test_elsewhere_master_and_workers_have_a_command_each() -> None:
    one, other = (Vantage(("kubectl", "exec", "-i", pod, "--")) for pod in ("one", "other"))
    program = ("python", "-P", "-m", "meshproof.traffic", "steady")
    spread = Vantage(one.command, workers=(one, other))
    assert command_line("steady", spread) == ([*one.command, *program, "--master", "2"], None, None)
    assert worker_line("steady", other) == ([*other.command, *program, "--worker"], None, None)
