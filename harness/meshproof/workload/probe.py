"""The owner's side of a workload process: start it, command it, read its books."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from meshproof.border.books import PodBook, Received
from meshproof.border.timeouts import Timeouts
from meshproof.errors import TargetError
from meshproof.mesh.model import Workload
from meshproof.process import Child, spawn


class Probe:
    """One running replica; `ports` maps each container port to the port on 127.0.0.1 that stands for it.

    Every method raises TargetError, with the workload's last words, when it has died or does not
    answer in Timeouts.workload_answer.
    """

    def __init__(self, pod: str, workload: str, child: Child, timeouts: Timeouts) -> None:
        self.pod = pod
        self.workload = workload
        self.ports: dict[int, int] = {}
        self._child = child
        self._timeouts = timeouts
        self._numbers = itertools.count(1)
        self._pending: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._ready: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._ended = asyncio.Event()
        self._reader = asyncio.ensure_future(self._read())

    @classmethod
    async def start(
        cls, pod: str, workload: Workload, log: Path, timeouts: Timeouts, ports: Iterable[int] | None = None
    ) -> Probe:
        """Start one replica and wait until it listens.

        `ports` are container ports (default: those that the Deployment names); `log` gets its
        standard error.
        """
        numbers = sorted({port.number for port in workload.ports} if ports is None else set(ports))
        argv = [sys.executable, "-P", "-m", "meshproof.workload", "--pod", pod, "--workload", workload.key]
        argv += ["--labels", json.dumps(dict(workload.labels)), "--image", workload.image]
        argv += ["--ports", ",".join(map(str, numbers))]
        # What the harness' own environment says of a version is not the workload's.
        env = {name: value for name, value in os.environ.items() if name != "SERVICE_VERSION"}
        child = await spawn(f"workload {pod}", argv, log=log, env=env, piped=True, leashed=False)
        probe = cls(pod, workload.key, child, timeouts)
        try:
            async with asyncio.timeout(timeouts.workload_ready):
                greeting = await probe._ready
        except TimeoutError:
            error = child.failure(f"did not listen within {timeouts.workload_ready:g} s")
            await probe.stop()
            raise error from None
        except BaseException:
            await probe.stop()
            raise
        probe.ports = {int(port): local for port, local in greeting["ports"].items()}
        return probe

    @property
    def pid(self) -> int:
        return self._child.pid

    @property
    def alive(self) -> bool:
        return not self._ended.is_set()

    async def died(self) -> TargetError:
        """Wait until the workload dies, and return the error that says so."""
        await self._ended.wait()
        return await self._death()

    async def open(self) -> None:
        """Start new books: what was received before counts no more."""
        await self._command("open")

    async def books(self, *, requests: bool = True) -> PodBook:
        """What was received since the last open(); `requests` False gives the counts alone."""
        if not requests:
            return self._book(await self._command("counts"), ())
        received: list[Received] = []
        start: int | None = 0
        while start is not None:
            page = await self._command("books", **{"from": start})
            received += [
                Received(row[0], self.pod, row[1], row[2], row[3], tuple(map(tuple, row[4])), row[5], row[6])
                for row in page["requests"]
            ]
            start = page["next"]
        return self._book(page, tuple(received))

    async def hold(self) -> None:
        """From now on requests are received and counted, but not answered until release()."""
        await self._command("hold")

    async def release(self) -> None:
        """Answer everything that is held, and hold no more."""
        await self._command("release")

    async def held(self, least: int = 0, within: float = 0.0) -> int:
        """How many requests are held, as soon as `least` are or after `within` seconds, whatever comes first."""
        return int((await self._command("held", within, least=least, within=within))["held"])

    async def fail(self, status: int = 503, *, count: int | None = None, reset: bool = False) -> None:
        """Answer the next `count` requests (None: all until heal()) with `status`, or reset their connections."""
        await self._command("fail", status=status, count=count, reset=reset)

    async def heal(self) -> None:
        """End a fail()."""
        await self._command("heal")

    async def latency(self, seconds: float) -> None:
        """Delay every answer by so many seconds; 0 ends it."""
        await self._command("latency", seconds=seconds)

    async def only_first(self, tries: int | None) -> None:
        """Let only the first `tries` of each request (by its id) be held, failed or delayed; None: all of them."""
        await self._command("only_first", tries=tries)

    async def block(self) -> None:
        """New connections are neither accepted nor refused until unblock()."""
        await self._command("block")

    async def shut(self) -> None:
        """Every connection is reset, and new ones are refused, until unblock()."""
        await self._command("shut")

    async def unblock(self) -> None:
        """End a block() or shut()."""
        await self._command("unblock")

    async def stop(self) -> None:
        """End the process; safe to call more than once."""
        self._reader.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._reader
        await self._child.stop(self._timeouts.process_exit)

    async def _command(self, name: str, patience: float = 0.0, **arguments: Any) -> dict[str, Any]:
        if not self.alive:
            raise await self._death()
        number = next(self._numbers)
        future: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._pending[number] = future
        limit = self._timeouts.workload_answer + patience
        try:
            self._child.stdin.write(json.dumps({"id": number, "do": name, **arguments}).encode() + b"\n")
            async with asyncio.timeout(limit):
                answer = await future
        except TimeoutError:
            raise self._child.failure(f"did not answer {name!r} within {limit:g} s") from None
        finally:
            del self._pending[number]
        if "error" in answer:
            raise self._child.failure(f"refused a command: {answer['error']}")
        return answer

    async def _read(self) -> None:
        try:
            while line := await self._child.stdout.readline():
                message = json.loads(line)
                if message.get("ready") and not self._ready.done():
                    self._ready.set_result(message)
                    continue
                future = self._pending.get(message.get("id"))
                if future is not None and not future.done():
                    future.set_result(message)
        except (ValueError, OSError) as error:
            self._fail(self._child.failure(f"said what cannot be read: {error}"))
        else:
            self._fail(await self._death())
        finally:
            self._ended.set()

    def _fail(self, error: TargetError) -> None:
        for future in (self._ready, *self._pending.values()):
            if not future.done():
                future.set_exception(error)
        # Nobody may be waiting for a greeting that has long been read.
        if not self._ready.cancelled():
            self._ready.exception()

    async def _death(self) -> TargetError:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._child.process.wait(), self._timeouts.process_exit)
        return self._child.failure("died")

    def _book(self, counts: dict[str, Any], received: tuple[Received, ...]) -> PodBook:
        return PodBook(
            self.pod,
            self.workload,
            counts["received"],
            counts["high_water"],
            received,
            connections=counts["connections_high_water"],
            forgotten=counts["forgotten"],
            unidentified=counts["unidentified"],
        )
