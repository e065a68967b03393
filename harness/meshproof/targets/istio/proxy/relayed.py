"""The client's proxy, reached through a relay program that stays in its pod: faster than a new exec each time."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import field
from pathlib import Path

from meshproof.border.timeouts import Timeouts
from meshproof.errors import TargetError
from meshproof.pod_version import check_pod_version
from meshproof.process import spawn
from meshproof.records import dataclass
from meshproof.targets.istio.proxy.sidecar import Sidecar
from meshproof.workload.control.channel import Channel

RELAY = ("python", "-P", "-m", "meshproof.workload", "relay")


@dataclass(frozen=True, slots=True)
class RelayedSidecar(Sidecar):
    """A Sidecar whose pages come over `channel`."""

    channel: Channel
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def get(self, path: str) -> bytes:
        """The admin page at `path`, which goes without its slash."""
        parts: list[str] = []
        start: int | None = 0
        # The parts of a page are requested one after another, with no other request between them.
        async with self.lock:
            while start is not None:
                answer = await self.channel.command("get", path=path, **{"from": start})
                parts.append(answer["body"])
                start = answer["next"]
        return "".join(parts).encode()

    async def died(self) -> TargetError:
        """Wait until the program in the pod, or the connection to it, ends; the error that says so."""
        return await self.channel.died()

    async def close(self) -> None:
        """End it; safe to call more than once."""
        await self.channel.close()


async def relayed(sidecar: Sidecar, command: Sequence[str], log: Path, timeouts: Timeouts) -> RelayedSidecar:
    """Start the program; `command` is what is put before RELAY to run it in the pod."""
    child = await spawn(f"relay of pod {sidecar.pod}", [*command, *RELAY], log=log, piped=True)
    channel = Channel(child, timeouts)
    greeting = await channel.greeting(timeouts.workload_attached, "greet")
    try:
        check_pod_version(greeting.get("version"), f"pod {sidecar.pod}")
    except TargetError:
        await channel.close()
        raise
    return RelayedSidecar(sidecar.kubectl, sidecar.pod, timeouts, channel)
