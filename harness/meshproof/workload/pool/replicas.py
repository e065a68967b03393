"""The inside of a workload process: it serves many replicas, which its owner starts, commands and stops.

The commands are those of one replica (see control/commands.py) with its number beside them:
{"id": …, "do": NAME, "replica": NUMBER, …}. Two more are for the process itself: "start", with what a replica is
made of, is answered with its ports, or with the "reason" why it cannot be started; "stop" ends it.
"""

from __future__ import annotations

import asyncio
import os
import socket
from typing import Any

from meshproof.fork_server.limits import raise_descriptors, why
from meshproof.workload.control.lines import LINE_CAP, encoded, serve_commands
from meshproof.workload.identity import Identity
from meshproof.workload.limits import PER_LISTENER, Descriptors, descriptors_for
from meshproof.workload.replica import Replica

REPLICA_MEGABYTES = 1


class Replicas:
    """The replicas of this process by number; `descriptors` is what they may have open."""

    def __init__(self, descriptors: Descriptors) -> None:
        self._descriptors = descriptors
        self._replicas: dict[int, Replica] = {}
        self._listeners = 0

    async def answer(self, command: Any) -> dict[str, Any]:
        """Carry out one command; never raises for a bad one."""
        if not isinstance(command, dict):
            return {"id": None, "error": "a command is an object"}
        number = command.get("replica")
        do = command.get("do")
        if do == "start":
            return {"id": command.get("id"), **(await self._start(command))}
        one = self._replicas.get(number) if isinstance(number, int) else None
        if do == "stop":
            if isinstance(number, int):
                self._stop(number)
            return {"id": command.get("id")}
        if one is None:
            return {"id": command.get("id"), "error": f"{do!r}: no replica {number}"}
        return await one.control.answer(command)

    async def _start(self, command: dict[str, Any]) -> dict[str, Any]:
        number = None
        try:
            number = int(command["replica"])
            if number in self._replicas:
                raise ValueError(f"there is a replica {number}")
            identity = Identity(command["pod"], command["workload"], command["image"], command["labels"])
            one = Replica(identity, command["ports"], "", self._descriptors, tuple(command.get("names", ())))
            # Registered before it listens, so that a stop that comes meanwhile ends it.
            self._replicas[number] = one
            self._count(len(one.listeners))
            return {"ports": await one.open()}
        except (OSError, MemoryError) as error:
            if number is not None:
                self._stop(number)
            needed = descriptors_for(self._listeners + len(command["ports"]))
            return {"reason": why(error, descriptors=needed, megabytes=REPLICA_MEGABYTES)}
        except (ValueError, TypeError, KeyError) as error:
            return {"reason": str(error)}

    def _stop(self, number: int) -> None:
        one = self._replicas.pop(number, None)
        if one is not None:
            one.close()
            self._count(-len(one.listeners))

    def _count(self, listeners: int) -> None:
        self._listeners += listeners
        self._descriptors.take(PER_LISTENER * listeners)


async def serve() -> None:
    """Answer commands on standard input, which is a socket, until it closes: the owner has ended then."""
    replicas = Replicas(Descriptors(raise_descriptors()))
    # Written by the event loop: an owner that is slow to read must not keep the replicas waiting.
    reader, writer = await asyncio.open_connection(sock=socket.socket(fileno=os.dup(0)), limit=LINE_CAP)
    writer.write(encoded({"ready": True}))
    await serve_commands(replicas, reader, writer.write)
