"""The watch of this machine: a process that stands still is noticed, also while it still stands."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest
from meshproof.border.books import Stall, stalled
from meshproof.border.observation import Observation
from meshproof.border.timeouts import Timeouts
from meshproof.process import stall_watch
from meshproof.process.stall_watch import PERIOD, SIZE
from meshproof.run.pacing.stalls import Stalls, Times, together
from meshproof.run.pacing.traffic import Traffic

FROZEN = 0.4


def watched(folder: Path, use: Callable[[Stalls, psutil.Process], Awaitable[None]]) -> None:
    async def run() -> None:
        stalls = await Stalls.watch(folder / "watch.log")
        assert stalls._child is not None
        process = psutil.Process(stalls._child.pid)
        try:
            await looked(stalls, 0.0)
            await use(stalls, process)
        finally:
            await stalls.stop(3.0)
        assert not process.is_running()

    asyncio.run(asyncio.wait_for(run(), 30))


async def looked(stalls: Stalls, after: float) -> None:
    """Wait until the watch has looked after a moment: it writes to memory, so there is nothing to be woken by."""
    while not (stalls._shared and stalls._shared[0] > after):  # noqa: ASYNC110
        await asyncio.sleep(0.01)


def test_a_freeze_is_noticed_while_it_lasts_and_after(tmp_path: Path) -> None:
    async def use(stalls: Stalls, process: psutil.Process) -> None:
        began = time.perf_counter()
        process.suspend()
        await asyncio.sleep(FROZEN)
        seen = stalled(stalls.since(began), began, time.perf_counter())
        assert seen > FROZEN / 2
        process.resume()
        ended = time.perf_counter()
        await looked(stalls, ended)
        kept = stalls.since(began)
        assert stalled(kept, began, ended + 1.0) >= seen
        assert stalls.since(time.perf_counter() + 9.0) in ((), kept[-1:])

    watched(tmp_path, use)


def test_a_watch_that_has_died_excuses_nothing(tmp_path: Path) -> None:
    async def use(stalls: Stalls, process: psutil.Process) -> None:
        os.kill(process.pid, signal.SIGKILL)
        assert stalls._child is not None
        await stalls._child.process.wait()
        began = time.perf_counter()
        await asyncio.sleep(FROZEN)
        assert stalls.since(began) == ()

    watched(tmp_path, use)


def test_where_nothing_watches_there_are_no_stalls() -> None:
    assert Stalls().since(0.0) == ()


@pytest.mark.parametrize(
    ("start", "end", "total"), [(0.0, 9.0, 3.0), (2.0, 5.5, 1.5), (3.0, 5.0, 0.0), (1.5, 1.75, 0.25), (8.0, 9.0, 0.0)]
)
def test_stalls_count_as_far_as_they_lie_between_two_moments(start: float, end: float, total: float) -> None:
    both = [Stall(1.0, 3.0), Stall(5.0, 6.0)]
    assert stalled(both, start, end) == pytest.approx(total)


class Noted(Stalls):
    def since(self, start: float) -> tuple[Stall, ...]:
        return tuple(one for one in (Stall(101.0, 103.0), Stall(205.0, 206.0)) if one.end > start)


def test_a_load_is_judged_by_its_own_zero_of_time_although_another_has_the_generator_by_then() -> None:
    generator: Any = SimpleNamespace(began=100.0)
    load: Any = Traffic(None, None, generator, None, None, Timeouts(), Noted())  # type: ignore[arg-type]
    generator.began = 200.0
    assert load.stalls() == (Stall(1.0, 3.0), Stall(105.0, 106.0))
    hit, missed = load._with_stalls([seen(0.5, 2.0), seen(4.0, 1.0)])
    assert (hit.stalled, missed.stalled) == (1.5, 0.0)


def seen(started: float, latency: float) -> Observation:
    return Observation("a", 0, 0, started, latency, 200)


def test_a_watch_whose_owner_was_killed_before_it_looked_ends_at_once(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.write_bytes(bytes(SIZE))
    with shared.open("r+b") as file:
        argv = [sys.executable, "-I", "-S", stall_watch.__file__, str(os.getppid())]
        assert subprocess.run(argv, stdin=file, timeout=30, check=False).returncode == 0


PROXY = """
import sys, threading, time
def work():
    if sys.argv[1:]:
        open(f"/proc/self/task/{threading.get_native_id()}/comm", "w").write("wrk:worker_0")
    end = time.monotonic() + 20
    while time.monotonic() < end: pass
threading.Thread(target=work, daemon=True).start()
time.sleep(20)
"""


@pytest.mark.skipif(not Path("/proc/self/schedstat").exists(), reason="this system does not tell how long it lets wait")
def test_a_proxy_that_waits_for_its_turn_is_seen_though_the_machine_is_not_late(tmp_path: Path) -> None:
    """Three that are never idle share one processor: each waits for two thirds of the time."""
    one = min(os.sched_getaffinity(0))

    async def use(stalls: Stalls, process: psutil.Process) -> None:
        command = [sys.executable, "-I", "-S", "-c", PROXY]
        started = [subprocess.Popen([*command, *named]) for named in (["worker"], [], [])]  # noqa: ASYNC220
        try:
            for busy in started:
                os.sched_setaffinity(busy.pid, {one})
            proxy, other = started[0].pid, started[1].pid
            stalls.attend([proxy, other])
            began = time.perf_counter()
            while not stalls.waits([proxy], began):  # noqa: ASYNC110
                await asyncio.sleep(0.02)
            found = stalls.waits([proxy], began)
            assert all(one.start < one.end for one in found)
            assert stalls.waits([other], began) == ()
            # Another load has it, too.
            stalls.attend([proxy])
            stalls.leave([proxy])
            again = time.perf_counter()
            while not stalls.waits([proxy], again):  # noqa: ASYNC110
                await asyncio.sleep(0.02)
            stalls.leave([proxy])
            await looked(stalls, time.perf_counter() + 0.05)
            left = time.perf_counter()
            await looked(stalls, left + 0.3)
            assert stalls.waits([proxy], left) == ()
        finally:
            for busy in started:
                busy.kill()
                busy.wait()

    watched(tmp_path, use)


def has_worker(pid: int) -> bool:
    return any((task / "comm").read_text().startswith("wrk:") for task in Path(f"/proc/{pid}/task").iterdir())


@pytest.mark.skipif(not Path("/proc/self/schedstat").exists(), reason="this system does not tell how long it lets wait")
def test_a_proxy_that_is_stopped_alone_is_seen(tmp_path: Path) -> None:
    async def use(stalls: Stalls, process: psutil.Process) -> None:
        proxy = subprocess.Popen([sys.executable, "-I", "-S", "-c", PROXY, "worker"])  # noqa: ASYNC220
        try:
            stalls.attend([proxy.pid])
            while not has_worker(proxy.pid):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            await looked(stalls, time.perf_counter() + 0.1)
            began = time.perf_counter()
            proxy.send_signal(signal.SIGSTOP)
            await asyncio.sleep(0.5)
            proxy.send_signal(signal.SIGCONT)
            ended = time.perf_counter()
            await looked(stalls, ended + 0.1)
            # What the watch did not see for its own lateness is told by that.
            found, late = together(stalls.waits([proxy.pid], began), PERIOD), stalls.since(began)
            assert stalled(found, began, ended) + stalled(late, began, ended) > 0.4
            assert max(one.end - one.start for one in found) > 0.4 - stalled(late, began, ended)
        finally:
            proxy.kill()
            proxy.wait()

    watched(tmp_path, use)


def test_what_follows_closely_is_one() -> None:
    several = [Stall(8.0, 9.0), Stall(1.0, 3.0), Stall(2.0, 4.0), Stall(4.1, 5.0), Stall(6.0, 7.0)]
    assert together(several, 0.2) == [Stall(1.0, 5.0), Stall(6.0, 7.0), Stall(8.0, 9.0)]


def test_a_request_is_late_by_what_its_own_proxies_waited() -> None:
    class Waits(Stalls):
        def since(self, start: float) -> tuple[Stall, ...]:
            return (Stall(100.5, 100.6),)

        def waits(self, proxies: Any, start: float) -> tuple[Stall, ...]:
            return (Stall(100.55, 100.7), Stall(100.705, 100.8), Stall(100.83, 100.88)) if set(proxies) == {7} else ()

    live: Any = SimpleNamespace(pids=lambda: [7])
    generator: Any = SimpleNamespace(began=100.0)
    load: Any = Traffic(None, live, generator, None, None, Timeouts(), Waits())  # type: ignore[arg-type]
    (hit,) = load._with_stalls([seen(0.4, 0.5)])
    assert (hit.stalled, hit.waited) == (pytest.approx(0.1), pytest.approx(0.25))


def test_of_many_times_those_alone_that_a_span_meets_are_looked_at_and_none_is_missed() -> None:
    draw = random.Random(7)
    ends = sorted(draw.uniform(0, 100) for _ in range(400))
    several = [Stall(*pair) for pair in zip(ends[::2], ends[1::2], strict=True)]
    times = Times(several)
    edges = [(one.start, one.end) for one in several] + [(one.end, one.end + 1) for one in several]
    drawn = [(start, start + draw.uniform(0, 5)) for start in (draw.uniform(-5, 105) for _ in range(500))]
    for start, end in [*edges, *drawn]:
        parts = times.within(start, end)
        assert sum(parts) == pytest.approx(stalled(several, start, end))
        assert max(parts, default=0.0) == max(stalled((one,), start, end) for one in several)
        assert all(part > 0 for part in parts)
