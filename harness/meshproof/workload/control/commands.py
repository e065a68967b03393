"""The commands of a workload's owner, whatever carries them.

A command is an object {"id": …, "do": NAME, …}; its answer one object with the same id, holding
either "error" or the command's results.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

from meshproof.workload.control.unread import Connected, read_all
from meshproof.workload.hold import Hold
from meshproof.workload.ledger import Ledger
from meshproof.workload.listener import Listener

LONGEST_WAIT = 3600.0


class Control:
    """Acts on one workload's ledger, hold and listeners, and on its `connections`, which `reset_connections` resets."""

    def __init__(
        self,
        ledger: Ledger,
        hold: Hold,
        listeners: Sequence[Listener] = (),
        reset_connections: Callable[[], None] = lambda: None,
        connections: Collection[Connected] = (),
    ) -> None:
        self.ledger = ledger
        self.hold = hold
        self.listeners = listeners
        self.reset_connections = reset_connections
        self.connections = connections

    async def answer(self, command: Any) -> dict[str, Any]:
        """Carry out one command; never raises for a bad one."""
        if not isinstance(command, dict):
            return {"id": None, "error": "a command is an object"}
        number = command.get("id")
        try:
            return {"id": number, **(await self._act(command))}
        except (ValueError, TypeError, KeyError, OSError) as error:
            return {"id": number, "error": f"{command.get('do')!r}: {error}"}

    async def _act(self, command: dict[str, Any]) -> dict[str, Any]:
        match command.get("do"):
            case "open":
                self.ledger.open()
            case "books":
                start = int(command.get("from", 0))
                if not start:
                    await read_all(self.listeners, self.connections)
                return self.ledger.page(start)
            case "counts":
                await read_all(self.listeners, self.connections)
                return self.ledger.counts()
            case "hold":
                self.hold.close_barrier()
            case "release":
                self.hold.open_barrier()
            case "held":
                seconds = min(float(command.get("within", 0)), LONGEST_WAIT)
                return {"held": await self.hold.wait_until_held(int(command.get("least", 0)), seconds)}
            case "fail":
                self._fail(command)
            case "heal":
                self.hold.heal()
            case "latency":
                seconds = float(command["seconds"])
                if not 0 <= seconds <= LONGEST_WAIT:
                    raise ValueError(f"seconds must be 0 to {LONGEST_WAIT:g}")
                self.hold.delay(seconds)
            case "only_first":
                tries = command.get("tries")
                if tries is not None and int(tries) < 1:
                    raise ValueError("tries must be 1 or more, or null")
                self.hold.only_first(None if tries is None else int(tries))
            case "block":
                for listener in self.listeners:
                    await listener.block()
            case "shut":
                for listener in self.listeners:
                    await listener.shut()
                self.reset_connections()
            case "unblock":
                for listener in self.listeners:
                    await listener.open()
            case _:
                raise ValueError("no such command")
        return {}

    def _fail(self, command: dict[str, Any]) -> None:
        status = 0 if command.get("reset") else int(command["status"])
        if status and not 200 <= status <= 599:
            raise ValueError("status must be 200 to 599")
        count = command.get("count")
        if count is not None and int(count) < 1:
            raise ValueError("count must be 1 or more, or null")
        self.hold.fail(status, None if count is None else int(count))
