"""The owner's side of a workload: start it or attach to it, command it, read its books."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from meshproof.border.books import PodBook, Received
from meshproof.border.timeouts import Timeouts
from meshproof.errors import TargetError
from meshproof.mesh.model.kubernetes import Workload
from meshproof.pod_version import check_pod_version
from meshproof.process import spawn
from meshproof.workload.command import PROGRAM, environment
from meshproof.workload.control.attach import SOCKET as SOCKET
from meshproof.workload.control.channel import Channel, Commands

ATTACH = ("python", "-P", "-m", "meshproof.workload", "attach")


class Probe:
    """One running replica; `ports` maps each container port to the port of this machine that it listens on.

    Every method raises TargetError, with the end of the log of what carries its commands, when that has
    died or the workload does not answer in Timeouts.workload_answer.
    """

    def __init__(
        self, pod: str, workload: str, channel: Commands, ports: Mapping[str, int], *, beside_sidecar: bool = False
    ) -> None:
        self.pod = pod
        self.workload = workload
        self.ports = {int(port): local for port, local in ports.items()}
        self._channel = channel
        self._beside_sidecar = beside_sidecar

    @classmethod
    async def start(
        cls,
        pod: str,
        workload: Workload,
        log: Path,
        timeouts: Timeouts,
        ports: Iterable[int] | None = None,
    ) -> Probe:
        """Start one replica as a process of its own on this machine, on 127.0.0.1, and wait until it listens.

        `ports` are container ports (default: those that the Deployment names); `log` gets its standard error. Where
        there are many, Pool starts them in common processes.
        """
        numbers = sorted({port.number for port in workload.ports} if ports is None else set(ports))
        words = ["--pod", pod, "--workload", workload.key, "--labels", json.dumps(dict(workload.labels))]
        words += ["--image", workload.image, "--ports", ",".join(map(str, numbers))]
        child = await spawn(
            f"workload {pod}", [*PROGRAM, *words], log=log, env=environment(), piped=True, guarded=False
        )
        channel = Channel(child, timeouts)
        greeting = await channel.greeting(timeouts.workload_ready, "listen")
        return cls(pod, workload.key, channel, greeting["ports"])

    @classmethod
    async def attach(cls, pod: str, workload: str, command: Sequence[str], log: Path, timeouts: Timeouts) -> Probe:
        """Reach a replica that runs elsewhere and takes commands on a unix socket.

        `command` is what is put before ATTACH to run it where the replica runs (`kubectl exec -i …`).
        TargetError when another meshproof runs there than here.
        """
        child = await spawn(f"control of pod {pod}", [*command, *ATTACH], log=log, piped=True)
        channel = Channel(child, timeouts)
        greeting = await channel.greeting(timeouts.workload_attached, "greet")
        try:
            check_pod_version(greeting.get("version"), f"pod {pod}")
        except TargetError:
            await channel.close()
            raise
        return cls(pod, workload, channel, greeting["ports"], beside_sidecar=True)

    @property
    def pid(self) -> int:
        return self._channel.pid

    @property
    def alive(self) -> bool:
        return self._channel.alive

    async def died(self) -> TargetError:
        """Wait until the workload, or what carries its commands, dies; the error that says so."""
        return await self._channel.died()

    async def open(self) -> None:
        """Start new books: what was received before counts no more."""
        await self._channel.command("open")

    async def books(self, *, requests: bool = True) -> PodBook:
        """What was received since the last open(); `requests` False gives the counts alone."""
        if not requests:
            return self._book(await self._channel.command("counts"), ())
        received: list[Received] = []
        # Each text is kept once: most are the same in all requests.
        known: dict[str, str] = {}
        start: int | None = 0
        while start is not None:
            page = await self._channel.command("books", **{"from": start})
            headers = tuple(map(tuple, page["headers"]))
            received += [self._received(row, headers, known) for row in page["requests"]]
            start = page["next"]
        return self._book(page, tuple(received))

    def _received(self, row: Sequence[Any], headers: Sequence[tuple[str, str]], known: dict[str, str]) -> Received:
        own, http2 = tuple([headers[place] for place in row[4]]), None if self._beside_sidecar else row[7]
        method, path, authority, digest = (known.setdefault(row[at], row[at]) for at in (1, 2, 3, 5))
        port = 0 if self._beside_sidecar else row[8]
        return Received(row[0], self.pod, method, path, authority, own, digest, row[6], http2, port)

    async def hold(self) -> None:
        """From now on requests are received and counted, but not answered until release()."""
        await self._channel.command("hold")

    async def release(self) -> None:
        """Answer everything that is held, and hold no more."""
        await self._channel.command("release")

    async def held(self, least: int = 0, within: float = 0.0) -> int:
        """How many requests are held, as soon as `least` are or after `within` seconds, whatever comes first."""
        return int((await self._channel.command("held", within, least=least, within=within))["held"])

    async def fail(self, status: int = 503, *, count: int | None = None, reset: bool = False) -> None:
        """Answer the next `count` requests (None: all until heal()) with `status`, or reset their connections."""
        await self._channel.command("fail", status=status, count=count, reset=reset)

    async def heal(self) -> None:
        """End a fail()."""
        await self._channel.command("heal")

    async def latency(self, seconds: float) -> None:
        """Delay every answer by so many seconds; 0 ends it."""
        await self._channel.command("latency", seconds=seconds)

    async def only_first(self, tries: int | None) -> None:
        """Let only the first `tries` of each request (by its id) be held, failed or delayed; None: all of them."""
        await self._channel.command("only_first", tries=tries)

    async def block(self) -> None:
        """New connections are neither accepted nor refused until unblock()."""
        await self._channel.command("block")

    async def shut(self) -> None:
        """Every connection is reset, and new ones are refused, until unblock()."""
        await self._channel.command("shut")

    async def unblock(self) -> None:
        """End a block() or shut()."""
        await self._channel.command("unblock")

    async def stop(self) -> None:
        """End the replica, and what was started for it alone; safe to call more than once."""
        await self._channel.close()

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
