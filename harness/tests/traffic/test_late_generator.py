"""A process that a busy machine lets run late is waited for longer, and not without end."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest
from meshproof.border.timeouts import Timeouts
from meshproof.envoy.process.admin import AdminClient
from meshproof.errors import TargetError
from meshproof.fork_server.client import ForkServer, Launch
from meshproof.process import Limit, turn
from meshproof.process.turn import waited
from meshproof.traffic import conversation, wire
from meshproof.traffic.conversation import Conversation

LIMIT = 0.1


async def stopped(_grace: float) -> None: ...


def late_by(monkeypatch: pytest.MonkeyPatch, part: float) -> None:
    """From now on each process waits for its turn for such a part of the time."""
    began = time.monotonic()
    for module in (turn, conversation):
        monkeypatch.setattr(module, "waited", lambda _pid: part * (time.monotonic() - began))


def ended(monkeypatch: pytest.MonkeyPatch, late: float) -> str:
    """The error of a process that says nothing, and that waits for its turn for such a part of the time."""
    late_by(monkeypatch, late)

    async def wait() -> None:
        child: Any = SimpleNamespace(pid=7, stdout=asyncio.StreamReader(), stop=stopped, failure=TargetError)
        one = Conversation(child, Timeouts(), lambda _rows: None, lambda: None)
        try:
            await one.until(lambda: False, "get ready", LIMIT)
        finally:
            await one.close()

    with pytest.raises(TargetError) as error:
        asyncio.run(wait())
    return str(error.value)


def test_a_process_that_had_its_turn_gets_its_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    assert ended(monkeypatch, 0.0) == "did not get ready within 0.1 s"


@pytest.mark.parametrize(("late", "least", "most"), [(0.6, LIMIT, 9.0), (0.99, 0.3, 0.3)])
def test_what_it_waited_for_the_processor_is_added_and_told(
    monkeypatch: pytest.MonkeyPatch, late: float, least: float, most: float
) -> None:
    began = time.monotonic()
    said = ended(monkeypatch, late)
    found = re.fullmatch(r"did not get ready within 0.1 s and (.*) s more, for which it waited for the processor", said)
    assert found, said
    assert least <= float(found[1]) <= most
    assert time.monotonic() - began >= LIMIT + least


def test_rows_that_come_as_the_wait_begins_end_it() -> None:
    """They wake who waits, also where they are read before anything else has its turn."""

    async def work() -> bool:
        rows: list[Any] = []
        child: Any = SimpleNamespace(pid=os.getpid(), stdout=asyncio.StreamReader(), stop=stopped, failure=TargetError)
        one = Conversation(child, Timeouts(), rows.extend, lambda: None)
        await turns()
        waiting = asyncio.ensure_future(one.until(lambda: bool(rows), "get ready", 3600.0))
        child.stdout.feed_data(wire.line({"ready": True}))
        await turns()
        done = waiting.done()
        waiting.cancel()
        await one.close()
        return done

    async def turns() -> None:
        for _ in range(20):
            await asyncio.sleep(0)

    assert asyncio.run(work())


@pytest.mark.parametrize(("late", "least"), [(0.0, 0.1), (0.6, 0.2), (1.0, 0.4)])
def test_work_that_depends_on_a_process_has_the_same_limit(
    monkeypatch: pytest.MonkeyPatch, late: float, least: float
) -> None:
    late_by(monkeypatch, late)

    async def work() -> str:
        limit = Limit(7, LIMIT)
        assert await limit.keeps(asyncio.sleep(0, "done")) == "done"
        with pytest.raises(TimeoutError):
            await limit.keeps(asyncio.Event().wait())
        return str(limit)

    began = time.monotonic()
    said = asyncio.run(work())
    assert time.monotonic() - began >= least
    assert ("for which it waited" in said) is (late > 0)


@pytest.mark.parametrize(("late", "words"), [(0.0, "0.1 s"), (1.0, "0.1 s and 0.3 s more")])
def test_a_fork_server_that_is_never_ready_is_told_with_what_it_waited(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, late: float, words: str
) -> None:
    late_by(monkeypatch, late)
    launch = Launch("fork server", (sys.executable, "-I", "-S", "-c", "input()"), {}, LIMIT, 3.0)
    with pytest.raises(TargetError, match=re.escape(f"was not ready within {words}")):
        asyncio.run(ForkServer.start(launch, tmp_path / "log"))


@pytest.mark.parametrize(("late", "least"), [(0.0, 0.1), (0.6, 0.2), (1.0, 0.4)])
def test_what_it_waited_for_the_processor_is_no_silence(
    monkeypatch: pytest.MonkeyPatch, late: float, least: float
) -> None:
    began = time.monotonic()
    late_by(monkeypatch, late)

    async def wait() -> None:
        child: Any = SimpleNamespace(pid=7, stdout=asyncio.StreamReader(), stop=stopped, failure=TargetError)
        one = Conversation(child, Timeouts(), lambda _rows: None, lambda: LIMIT)
        try:
            while one.error is None:
                await one.changed()
            raise one.error
        finally:
            await one.close()

    with pytest.raises(TargetError, match=r"sent nothing for [0-9.]+ s with requests to send"):
        asyncio.run(wait())
    assert time.monotonic() - began > least


@pytest.mark.parametrize(("late", "words"), [(0.0, "0.1 s"), (1.0, "0.1 s and 0.3 s more")])
def test_an_admin_page_that_never_answers_is_told_with_what_its_proxy_waited(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, late: float, words: str
) -> None:
    late_by(monkeypatch, late)

    async def ask() -> None:
        server = await asyncio.start_unix_server(lambda _reader, _writer: None, tmp_path / "admin")
        try:
            await AdminClient(tmp_path / "admin", 7, replace(Timeouts(), admin_answer=LIMIT)).ready()
        finally:
            server.close()

    with pytest.raises(TargetError, match=re.escape(f"did not answer /ready within {words}")):
        asyncio.run(ask())


@pytest.mark.skipif(not Path("/proc/self/schedstat").exists(), reason="this system does not tell how long it lets wait")
def test_what_a_process_waits_is_what_the_system_says() -> None:
    """Two that are never idle share one processor."""
    both = [subprocess.Popen([sys.executable, "-I", "-S", "-c", "while True: pass"]) for _ in range(2)]
    try:
        processor = psutil.Process().cpu_affinity()[:1]
        for one in both:
            psutil.Process(one.pid).cpu_affinity(processor)
        before = [waited(one.pid) for one in both]
        while not all(waited(one.pid) > had for one, had in zip(both, before, strict=True)):
            time.sleep(0.02)
    finally:
        for one in both:
            one.kill()
            one.wait()
    assert waited(both[0].pid) == 0.0


@pytest.mark.skipif(not Path("/proc/self/schedstat").exists(), reason="this system does not tell how long it lets wait")
def test_what_a_guard_started_waits_in_its_name() -> None:
    """It sleeps itself, while the two that it started share one processor."""
    command = "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))}); [0 for _ in iter(int, 1)]"
    guard = f"""
import subprocess, sys
both = [subprocess.Popen([sys.executable, "-I", "-S", "-c", {command!r}]) for _ in range(2)]
both[0].wait()
"""
    with subprocess.Popen([sys.executable, "-I", "-S", "-c", guard], start_new_session=True) as one:
        try:
            while waited(one.pid) < 2 * own(one.pid) + 0.05:
                assert one.poll() is None
                time.sleep(0.02)
        finally:
            os.killpg(one.pid, signal.SIGKILL)


def own(pid: int) -> float:
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[1]) / 1e9
