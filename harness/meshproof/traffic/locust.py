"""Locust as a child process: a command line, and ndjson over its standard input and output."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from meshproof.border.load import Load, Vantage
from meshproof.border.observation import Observation
from meshproof.border.timeouts import Timeouts
from meshproof.errors import TargetError
from meshproof.pod_version import check_pod_version
from meshproof.process import Child, spawn
from meshproof.traffic import wire
from meshproof.traffic.command import command_line as command_line

HELD = "barrier"
READ_BYTES = 1 << 18


class Generator:
    """One Locust, which carries out loads one after another: a process alone, or a master with its workers.

    begin(), then grant() credit and read observations(); finish() ends the load, after which
    observations() gives what was still under way and then ends. It never sends more than was
    granted. Once the process has died, hung or broken its word, every method raises the same
    TargetError with its last words; no observation is invented or lost.
    """

    def __init__(self, shape: str, child: Child, timeouts: Timeouts, *, elsewhere: bool = False) -> None:
        self.shape = shape
        self._elsewhere = elsewhere
        self.began = 0.0
        """The running load's zero of time, in seconds since the epoch, by the generator's clock."""
        self._child = child
        self._timeouts = timeouts
        self._ready: dict[str, Any] | None = None
        self._version: object = None
        self._error: TargetError | None = None
        self._news = asyncio.Event()
        self._load: Load | None = None
        self._reset()
        self._last_heard = time.monotonic()
        self._tasks = (asyncio.ensure_future(self._read()), asyncio.ensure_future(self._watch()))

    def _reset(self) -> None:
        self._granted: dict[int, int] = {}
        self._observed = 0
        self._batch: list[Observation] = []
        self._stages: set[int] = set()
        self._stopping = False
        self._begun = False
        self._done: dict[str, Any] | None = None

    @classmethod
    async def start(cls, shape: str, vantage: Vantage, log: Path, timeouts: Timeouts, workers: int = 0) -> Generator:
        """Start Locust with the locustfile of that name; it gets ready while the caller does other things.

        `log` gets its standard error; `workers` is how many worker processes send, 0 for one process that
        is no master either. Raises UsageError for a shape that does not exist or cannot be spread.
        """
        command, env, cwd = command_line(shape, vantage, workers)
        # What carries it elsewhere does not end by itself when its standard input closes, as Locust does.
        guarded = bool(vantage.command)
        child = await spawn("load generator", command, log=log, env=env, cwd=cwd, piped=True, guarded=guarded)
        return cls(shape, child, timeouts, elsewhere=guarded)

    @property
    def pid(self) -> int:
        return self._child.pid

    @property
    def observed(self) -> int:
        """How many requests of this load have been reported so far."""
        return self._observed

    async def begin(
        self,
        load: Load,
        resolve: Mapping[str, wire.Address] | Iterable[tuple[str, wire.Address]],
        ids: str,
        *,
        headers: Iterable[str] = (),
        digest: bool = False,
        tls: Mapping[str, str] | None = None,
    ) -> None:
        """Begin a load; nothing is sent before it is granted.

        `resolve` maps `host:port` to the (address, port) to connect to, `ids` is the prefix of every
        request's id, `headers` names response headers to keep beside wire.HEADERS, `digest` asks for
        the SHA-256 of each response's body, `tls` gives paths: `ca`, `cert`, `key`.
        """
        if self._load is not None and self._done is None:
            raise ValueError("the load before has not been finished")
        await self._until(lambda: self._ready is not None, "get ready", self._timeouts.locust_ready)
        self._reset()
        self._rouse()
        if load.shape == HELD:
            # While requests are held the proxy is looked at for each that is sent: from afar that takes its time.
            load = replace(load, timeout=max(load.timeout, 2 * self._timeouts.barrier))
        self._load = load
        message = wire.start(
            load.requests,
            users=load.users,
            timeout=load.timeout,
            resolve=dict(resolve),
            ids=ids,
            headers=headers,
            digest=digest,
            tls=tls,
            silence=self._timeouts.locust_silent,
        )
        self._say(message)
        await self._until(lambda: self._begun, "begin its load", self._timeouts.locust_silent)

    def grant(self, request: int, total: int) -> None:
        """Allow `total` requests of that index in all (never fewer than before).

        A burst takes as many as the load has users: what is no multiple of that waits for the rest.
        """
        assert self._load is not None
        if self._ready is not None and self._ready.get("together"):
            total -= total % self._load.users
        if total > self._granted.get(request, 0):
            self._rouse()
            self._granted[request] = total
            self._say({"grant": {str(request): total}})

    def limit_users(self, users: int) -> None:
        """Have at most so many requests under way from now on: only so many of the load's users send."""
        assert self._load is not None
        self._say({"limit_users": users})

    async def stage(self, number: int) -> None:
        """Tag what is sent from now on; returns when nothing sent under an earlier stage is under way any more."""
        assert self._load is not None
        self._stages.discard(number)
        self._say({"stage": number})
        limit = self._load.timeout + self._timeouts.locust_silent
        await self._until(lambda: number in self._stages, f"enter stage {number}", limit)

    async def observations(self) -> AsyncIterator[list[Observation]]:
        """What has been observed, as it arrives, until the load is finished."""
        while True:
            if self._batch:
                batch, self._batch = self._batch, []
                yield batch
            elif self._error is not None:
                raise self._error
            elif self._done is not None:
                return
            else:
                await self._heard()

    async def finish(self) -> None:
        """Send nothing more and wait until all that was sent has been reported."""
        assert self._load is not None
        if not self._stopping:
            self._rouse()
            self._stopping = True
            self._say({"stop": True})
        limit = self._load.timeout + self._timeouts.locust_silent
        await self._until(lambda: self._done is not None, "finish its load", limit)
        assert self._done is not None
        sent = sum(self._done["sent"])
        if not sent == self._done["observed"] == self._observed:
            words = f"sent {sent} requests and reported {self._observed} of them"
            self._fail(self._child.failure(words))
            raise self._child.failure(words)

    async def close(self) -> None:
        """End the process; safe to call more than once."""
        for task in self._tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        self._fail(TargetError("the load generator was closed"))
        await self._child.stop(self._timeouts.process_exit)

    def _say(self, message: Mapping[str, Any]) -> None:
        if self._error is not None:
            raise self._error
        self._child.stdin.write(wire.line(message))

    def _rouse(self) -> None:
        # Its silence so far was rightful: it counts from when there is something to do.
        if not self._owing:
            self._last_heard = time.monotonic()

    @property
    def _owing(self) -> bool:
        """Whether the generator has something to do, and so must be heard of."""
        if self._load is None or self._done is not None:
            return False
        return self._stopping or not self._begun or sum(self._granted.values()) > self._observed

    async def _until(self, condition: Any, what: str, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                while not condition():
                    if self._error is not None:
                        raise self._error
                    await self._heard()
        except TimeoutError:
            error = self._child.failure(f"did not {what} within {seconds:g} s")
            self._fail(error)
            raise error from None

    async def _heard(self) -> None:
        news = self._news
        await news.wait()

    def _tell(self) -> None:
        news, self._news = self._news, asyncio.Event()
        news.set()

    def _fail(self, error: TargetError) -> None:
        self._error = self._error or error
        self._tell()

    async def _read(self) -> None:
        stream = self._child.stdout
        rest = b""
        try:
            while chunk := await stream.read(READ_BYTES):
                self._last_heard = time.monotonic()
                whole, newline, rest = (rest + chunk).rpartition(b"\n")
                self._take(wire.rows(whole + newline))
                self._tell()
        except TargetError as error:
            self._fail(error)
            return
        except (ValueError, TypeError, KeyError, IndexError, OSError) as error:
            self._fail(self._child.failure(f"said what cannot be read: {error}"))
            return
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._child.process.wait(), self._timeouts.process_exit)
        self._fail(self._child.failure("died"))

    def _take(self, rows: list[Any]) -> None:
        batch = self._batch
        before = len(batch)
        for row in rows:
            if type(row) is list:
                if row[10]:
                    row[10] = tuple(map(tuple, row[10]))
                else:
                    row[10] = ()
                batch.append(Observation(*row))
            elif "done" in row:
                self._done = row["done"]
            elif "staged" in row:
                self._stages.add(row["staged"])
            elif "begun" in row:
                self._begun, self.began = True, row["begun"]
            elif "version" in row:
                self._version = row["version"]
            elif "ready" in row:
                self._ready = row["ready"]
                if self._elsewhere:
                    check_pod_version(self._version, "the load generator")
        self._observed += len(batch) - before

    async def _watch(self) -> None:
        """A generator that says nothing although it owes an answer has hung: no verdict may come of it."""
        while True:
            timeout = self._load.timeout if self._load is not None else 0.0
            # It rightly says nothing for as long as it may wait for one answer.
            limit = max(self._timeouts.locust_silent, timeout * 1.25)
            await asyncio.sleep(limit / 8)
            silent = time.monotonic() - self._last_heard
            if self._owing and silent > limit:
                self._fail(self._child.failure(f"said nothing for {silent:.1f} s with requests to send or to report"))
                return
