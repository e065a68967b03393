"""Locust as a child process: a command line, and ndjson over its standard input and output."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from meshproof.border.load import Load, Vantage
from meshproof.border.observation import Observation
from meshproof.border.timeouts import Timeouts
from meshproof.fork_server.client import ForkServer
from meshproof.pod_version import check_pod_version
from meshproof.process import Child, spawn
from meshproof.traffic import wire
from meshproof.traffic.command import command_line as command_line
from meshproof.traffic.command import words
from meshproof.traffic.conversation import Conversation
from meshproof.traffic.observed import Observed
from meshproof.traffic.workers import Workers, start_workers

HELD = "barrier"
# How much longer than the timeout of a request a generator may send nothing.
SILENCE_FACTOR = 1.25

# Is told the shape of a load, and the address of the web page of the Locust that drives it.
Page = Callable[[str, str], None]


class Generator:
    """One Locust, which carries out loads one after another: a process alone, or a master with its workers.

    begin(), then grant() credit and read observations(); finish() ends the load, after which
    observations() gives what was still under way and then ends. It never sends more than was
    granted. Once the process has died, hung or sent nonsense, every method raises the same
    TargetError with the end of its log; no observation is invented or lost.
    """

    def __init__(
        self,
        shape: str,
        child: Child,
        timeouts: Timeouts,
        *,
        elsewhere: bool = False,
        workers: Sequence[Child] = (),
        page: Page | None = None,
    ) -> None:
        self.shape = shape
        self._child = child
        self._timeouts = timeouts
        self._elsewhere = elsewhere
        self._page = page
        self._ready: dict[str, Any] | None = None
        self._version: object = None
        self._load: Load | None = None
        self._observed = Observed()
        self._granted: dict[int, int] = {}
        self._total = 0
        self._stopping = False
        self._conversation = Conversation(child, timeouts, self._receive, self._silence_limit)
        self._workers = Workers(workers, timeouts, self._conversation.fail)

    @classmethod
    async def start(
        cls,
        shape: str,
        vantage: Vantage,
        log: Path,
        timeouts: Timeouts,
        fork_server: ForkServer | None = None,
        page: Page | None = None,
    ) -> Generator:
        """Start Locust with the locustfile of that name; it gets ready while the caller does other things.

        `log` gets its standard error, and those of its workers stand beside it. What runs on this machine comes of
        the fork server, where there is one. With `page` Locust serves its own web page, which is not for one that runs
        elsewhere. Raises UsageError for a shape that does not exist or cannot be spread.
        """
        shown = page is not None
        command, env, cwd = command_line(shape, vantage, page=shown)
        workers = await start_workers(shape, vantage.workers, log, fork_server)
        # What carries it elsewhere does not end by itself when its standard input closes, as Locust does.
        elsewhere = bool(vantage.command)
        try:
            if fork_server is not None and not elsewhere:
                arguments = words(shape, wire.MASTER if workers else wire.ALONE, len(workers), page=shown)
                child = await fork_server.spawn("load generator", arguments, log)
            else:
                child = await spawn("load generator", command, log=log, env=env, cwd=cwd, piped=True, guarded=elsewhere)
        except BaseException:
            await asyncio.gather(*(worker.stop(0) for worker in workers))
            raise
        return cls(shape, child, timeouts, elsewhere=elsewhere, workers=workers, page=page)

    @property
    def pid(self) -> int:
        return self._child.pid

    @property
    def workers(self) -> tuple[int, ...]:
        """The process groups of its workers."""
        return self._workers.pids

    @property
    def observed(self) -> int:
        """How many requests of this load have been reported so far."""
        return self._observed.count

    @property
    def owed(self) -> int:
        """How many requests of this load have been granted and not been reported."""
        return self._total - self._observed.count

    @property
    def began(self) -> float:
        """The running load's zero of time, by time.perf_counter of this process.

        The clock of the whole machine, which nobody sets, is that of a generator on it; elsewhere only the time of day
        is comparable.
        """
        epoch, monotonic = self._observed.began or (0.0, 0.0)
        return time.perf_counter() - (time.time() - epoch) if self._elsewhere else monotonic

    async def begin(
        self,
        load: Load,
        resolve: Mapping[str, wire.Address] | Iterable[tuple[str, wire.Address]],
        ids: str,
        *,
        headers: Iterable[str] = (),
        digest: bool = False,
        tls: Mapping[str, str] | None = None,
        workers: Sequence[Vantage] = (),
    ) -> None:
        """Begin a load; nothing is sent before it is granted.

        `resolve` maps `host:port` to the (address, port) to connect to, `ids` is the prefix of every
        request's id, `headers` names response headers to keep beside wire.HEADERS, `digest` asks for
        the SHA-256 of each response's body, `tls` gives paths: `ca`, `cert`, `key`. `workers` are the vantages of the
        workers, where they connect to other addresses than `resolve` has.
        """
        if self._load is not None and self._observed.done is None:
            raise ValueError("the load before has not been finished")
        conversation, timeouts = self._conversation, self._timeouts
        await conversation.until(lambda: self._ready is not None, "get ready", timeouts.locust_ready)
        if load.shape == HELD:
            # While requests are held the proxy is looked at for each that is sent, which takes time in a cluster.
            load = replace(load, timeout=max(load.timeout, 2 * timeouts.barrier))
        message = wire.start(
            load.requests,
            users=load.users * load.clients,
            timeout=load.timeout,
            resolve=dict(resolve),
            ids=ids,
            headers=headers,
            digest=digest,
            tls=tls,
            silence=timeouts.locust_silent,
            users_within=timeouts.locust_users,
            statistics=self._page is not None,
            workers=[dict(one.resolve) for one in workers if one.resolve],
        )
        conversation.send(message)
        self._load, self._observed, self._granted, self._total, self._stopping = load, Observed(), {}, 0, False
        # Locust's users are waited for where they are, which says how many came.
        limit = timeouts.locust_users + timeouts.locust_silent
        await conversation.until(lambda: self._observed.began is not None, "begin its load", limit)

    @property
    def patience(self) -> float:
        """Seconds for which a client of this load waits for an answer."""
        assert self._load is not None
        return self._load.timeout

    def grant(self, request: int, total: int) -> None:
        """Allow `total` requests of that index in all (never fewer than before)."""
        self.grant_each([(request, total)])

    def grant_each(self, totals: Iterable[tuple[int, int]]) -> None:
        """The same for several indexes at once.

        A burst takes as many as the load has users: what is no multiple of that waits for the rest.
        """
        assert self._load is not None
        unit = self._load.users if self._ready is not None and self._ready.get("at_once") else 1
        whole = ((request, total - total % unit) for request, total in totals)
        further = {request: total for request, total in whole if total > self._granted.get(request, 0)}
        if further:
            self._conversation.send({"grant": {str(request): total for request, total in further.items()}})
            self._total += sum(total - self._granted.get(request, 0) for request, total in further.items())
            self._granted |= further

    def limit_users(self, users: int) -> None:
        """Have at most so many requests under way from now on: only so many of the load's users send."""
        assert self._load is not None
        self._conversation.send({"limit_users": users})

    def only_client(self, worker: int | None) -> None:
        """Have only that one of several workers send from now on; None: any of them."""
        assert self._load is not None
        if len(self.workers) > 1:
            self._conversation.send({"only": worker})

    async def stage(self, number: int) -> None:
        """Tag what is sent from now on; returns when nothing sent under an earlier stage is under way any more."""
        assert self._load is not None
        self._observed.stages.discard(number)
        self._conversation.send({"stage": number})
        limit = self._load.timeout + self._timeouts.locust_silent
        await self._conversation.until(lambda: number in self._observed.stages, f"enter stage {number}", limit)

    async def observations(self) -> AsyncIterator[list[Observation]]:
        """What has been observed, as it arrives, until the load is finished."""
        while True:
            if self._observed.batch:
                yield self._observed.take()
            elif self._conversation.error is not None:
                raise self._conversation.error
            elif self._observed.done is not None:
                return
            else:
                await self._conversation.changed()

    async def finish(self) -> None:
        """Send nothing more and wait until all that was sent has been reported."""
        assert self._load is not None
        if not self._stopping:
            self._conversation.send({"stop": True})
            self._stopping = True
        limit = self._load.timeout + self._timeouts.locust_silent
        await self._conversation.until(lambda: self._observed.done is not None, "finish its load", limit)
        done = self._observed.done
        assert done is not None
        sent = sum(done["sent"])
        if not sent == done["observed"] == self._observed.count:
            error = self._child.failure(f"sent {sent} requests and reported {self._observed.count} of them")
            self._conversation.fail(error)
            raise error

    async def close(self) -> None:
        """End the process; safe to call more than once."""
        await self._conversation.close()
        await self._workers.close()

    def _receive(self, rows: list[Any]) -> None:
        for row in self._observed.add(rows):
            if "version" in row:
                self._version = row["version"]
            elif "master" in row:
                self._workers.join(row["master"])
            elif "ready" in row:
                self._ready = row["ready"]
                if self._page is not None:
                    self._page(self.shape, self._ready["page"])
                if self._elsewhere:
                    check_pod_version(self._version, "the load generator")

    def _silence_limit(self) -> float | None:
        if self._load is None or self._observed.done is not None:
            return None
        begun = self._observed.began is not None
        if not self._stopping and begun and self.owed <= 0:
            return None
        if not begun:
            return self._timeouts.locust_users + self._timeouts.locust_silent
        # It rightly sends nothing for as long as it may wait for one answer.
        return max(self._timeouts.locust_silent, self._load.timeout * SILENCE_FACTOR)
