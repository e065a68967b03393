"""The owner's side of workload processes: each serves many replicas, and there is one for each processor."""

from __future__ import annotations

import asyncio
import itertools
import os
from collections.abc import Sequence
from dataclasses import field
from pathlib import Path
from typing import Any

from meshproof.border.timeouts import Timeouts
from meshproof.errors import TargetError
from meshproof.fork_server.client import ForkServer
from meshproof.mesh.model.kubernetes import Workload
from meshproof.records import dataclass
from meshproof.workload.command import fork_server
from meshproof.workload.control.channel import Channel
from meshproof.workload.limits import descriptors_for, lacking_ports, listeners_per_process
from meshproof.workload.pool.placement import placed
from meshproof.workload.probe import Probe

AT_ONCE = 64
"""How many commands one process is given at once: the time limit of each counts from then."""
PAGES_AT_ONCE = 4
"""The same for pages of books, of which each takes the process and its owner milliseconds."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A replica to start: `ports` are container ports, `names` those of the hosts that it has a certificate for."""

    pod: str
    workload: Workload
    ports: tuple[int, ...]
    names: tuple[str, ...] = ()


@dataclass(slots=True)
class WorkloadProcess:
    """One process and how many listeners its replicas have, those that are being started included."""

    channel: Channel
    listeners: int = 0
    under_way: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))
    pages: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(PAGES_AT_ONCE))


@dataclass(slots=True)
class ReplicaChannel:
    """The commands of one replica of a process that serves many."""

    process: WorkloadProcess
    number: int
    who: str
    listeners: int
    _closed: bool = field(default=False, init=False)

    @property
    def pid(self) -> int:
        return self.process.channel.pid

    @property
    def alive(self) -> bool:
        return self.process.channel.alive and not self._closed

    async def died(self) -> TargetError:
        return await self.process.channel.died(self.who)

    async def command(self, name: str, extra: float = 0.0, **arguments: Any) -> dict[str, Any]:
        given = self.process.channel.command_of
        arguments["replica"] = self.number
        if name == "held":
            # It may wait for requests, and keeps the process from nothing.
            return await given(self.who, name, extra, arguments)
        async with self.process.pages if name == "books" else self.process.under_way:
            return await given(self.who, name, extra, arguments)

    async def close(self) -> None:
        """Have the replica ended; the process does so before it carries out any later command."""
        self.end()

    def end(self) -> None:
        if not self._closed:
            self._closed = True
            self.process.listeners -= self.listeners
            self.process.channel.tell("stop", replica=self.number)


class Pool:
    """The workload processes of one owner; `folder` must be one that only the owner reaches. Raises TargetError."""

    def __init__(self, folder: Path, fork_server: ForkServer, timeouts: Timeouts) -> None:
        self._folder = folder
        self._fork_server = fork_server
        self._timeouts = timeouts
        self._processes: list[WorkloadProcess] = []
        self._names = itertools.count()
        self._numbers = itertools.count(1)
        self._growing = asyncio.Lock()

    @classmethod
    async def start(cls, folder: Path, timeouts: Timeouts) -> Pool:
        """Start the fork server; processes are made when replicas need them."""
        started = await ForkServer.start(fork_server(timeouts), folder / "fork_server.log")
        return cls(folder, started, timeouts)

    @property
    def pids(self) -> tuple[int, ...]:
        """The processes that serve replicas."""
        return tuple(one.channel.pid for one in self._processes if one.channel.alive)

    async def replicas(self, wanted: Sequence[Wanted]) -> list[Probe]:
        """Start these replicas and wait until they listen; when one cannot be started, none is left."""
        async with self._growing:
            channels = [
                ReplicaChannel(process, next(self._numbers), f"workload {one.pod}", max(1, len(one.ports)))
                for one, process in zip(wanted, await self._processes_for(wanted), strict=True)
            ]
            for channel in channels:
                channel.process.listeners += channel.listeners
        starts = [asyncio.ensure_future(self._start(*pair)) for pair in zip(wanted, channels, strict=True)]
        try:
            return await asyncio.gather(*starts)
        except BaseException:
            for start, channel in zip(starts, channels, strict=True):
                start.cancel()
                channel.end()
            await asyncio.gather(*starts, return_exceptions=True)
            raise

    async def stop(self) -> None:
        """End every process, and the fork server."""
        try:
            await asyncio.gather(*(one.channel.close() for one in self._processes))
        finally:
            self._processes.clear()
            await self._fork_server.stop()

    async def _processes_for(self, wanted: Sequence[Wanted]) -> list[WorkloadProcess]:
        """The process for each, those that are made for them included."""
        self._processes = [one for one in self._processes if one.channel.alive]
        most = self._most(wanted)
        loads = [one.listeners for one in self._processes]
        places = placed(loads, [len(one.ports) for one in wanted], _processors(), most)
        new = max((*places, len(loads) - 1)) + 1 - len(loads)
        existing = tuple(self._processes)
        made = await asyncio.gather(*(self._made() for _ in range(new)), return_exceptions=True)
        for one in made:
            if isinstance(one, BaseException):
                raise one
        processes = [*existing, *(one for one in made if isinstance(one, WorkloadProcess))]
        return [processes[index] for index in places]

    def _most(self, wanted: Sequence[Wanted]) -> int:
        """How many listeners one process takes; what this machine has not enough of is told here."""
        total = sum(len(one.ports) for one in wanted)
        lacking = lacking_ports(sum(one.listeners for one in self._processes) + total)
        if lacking:
            raise TargetError(f"{len(wanted)} replicas of workloads cannot be started: {lacking}")
        most = listeners_per_process(self._fork_server.descriptors)
        largest = max(wanted, key=lambda one: len(one.ports), default=None)
        if largest is not None and max(1, len(largest.ports)) > most:
            least = descriptors_for(max(1, len(largest.ports)))
            raise TargetError(
                f"workload {largest.pod} cannot be started: a process may open {self._fork_server.descriptors} "
                f"descriptors (ulimit -Hn), and {least} are needed for {len(largest.ports)} ports"
            )
        return most

    async def _made(self) -> WorkloadProcess:
        number = next(self._names)
        child = await self._fork_server.spawn(
            f"workload process {number}", ["replicas"], self._folder / f"workloads-{number}.log"
        )
        channel = Channel(child, self._timeouts)
        await channel.greeting(self._timeouts.workload_ready, "start")
        process = WorkloadProcess(channel)
        self._processes.append(process)
        return process

    async def _start(self, wanted: Wanted, channel: ReplicaChannel) -> Probe:
        answer = await channel.command(
            "start",
            max(0.0, self._timeouts.workload_ready - self._timeouts.workload_answer),
            pod=wanted.pod,
            workload=wanted.workload.key,
            image=wanted.workload.image,
            labels=dict(wanted.workload.labels),
            ports=wanted.ports,
            names=wanted.names,
        )
        if "reason" in answer:
            raise channel.process.channel.failure(f"cannot be started: {answer['reason']}", channel.who)
        return Probe(wanted.pod, wanted.workload.key, channel, answer["ports"])


def _processors() -> int:
    """Those that this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
