"""Envoy's admin page, asked over its unix socket.

https://www.envoyproxy.io/docs/envoy/latest/operations/admin
"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

from meshproof.border.timeouts import Timeouts
from meshproof.errors import TargetError
from meshproof.fork_server.limits import scarce
from meshproof.process import Limit
from meshproof.records import dataclass

OK = 200
HEADER_LIMIT = 1 << 16


@dataclass(frozen=True, slots=True)
class HostStatus:
    """One endpoint of a cluster as Envoy sees it; `pod` is the endpoint's hostname."""

    cluster: str
    pod: str
    address: tuple[str, int]
    ejected: bool


class AdminClient:
    """One request per connection; raises TargetError when Envoy does not answer in Timeouts.admin_answer.

    `pid` is that of what was started for it.
    """

    def __init__(self, path: Path, pid: int, timeouts: Timeouts | None = None) -> None:
        self.path = path
        self._pid = pid
        self._limit = (timeouts or Timeouts()).admin_answer

    async def get(self, path: str) -> bytes:
        """The body of the page at `path`."""
        status, body = await self.request("GET", path)
        if status != OK:
            raise TargetError(f"Envoy's admin page answered {status} to {path}", body.decode(errors="replace"))
        return body

    async def request(self, method: str, path: str) -> tuple[int, bytes]:
        """Status and body of any answer."""
        limit = Limit(self._pid, self._limit)
        try:
            return await limit.keeps(self._exchange(method, path))
        except TimeoutError:
            raise TargetError(f"Envoy's admin page did not answer {path} within {limit}", scarce()) from None
        except (OSError, EOFError, ValueError) as error:
            raise TargetError(f"Envoy's admin page at {self.path} cannot be asked for {path}", str(error)) from error

    async def _exchange(self, method: str, path: str) -> tuple[int, bytes]:
        reader, writer = await asyncio.open_unix_connection(str(self.path), limit=HEADER_LIMIT)
        try:
            writer.write(f"{method} {path} HTTP/1.1\r\nhost: admin\r\nconnection: close\r\n\r\n".encode())
            await writer.drain()
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
            body = await reader.read()
        finally:
            writer.close()
        return int(head.split(" ", 2)[1]), unchunked(body) if "transfer-encoding: chunked" in head else body

    async def ready(self) -> bool:
        """True once the server is live: it has its first configuration, and its workers run."""
        status, _ = await self.request("GET", "/ready")
        return status == OK

    async def stats(self, kind: str) -> dict[str, int]:
        """All statistics of one kind (`Counters` or `Gauges`) by Envoy's names."""
        text = (await self.get(f"/stats?type={kind}")).decode()
        pairs = (line.rpartition(": ") for line in text.splitlines())
        return {name: int(value) for name, _, value in pairs if value.isdecimal()}

    async def counters(self) -> dict[str, int]:
        return await self.stats("Counters")

    async def gauges(self) -> dict[str, int]:
        return await self.stats("Gauges")

    async def listeners(self) -> dict[str, int]:
        """The local port of each active listener by its name."""
        document = await self._json("/listeners?format=json")
        return {
            one["name"]: one["local_address"]["socket_address"]["port_value"]
            for one in document.get("listener_statuses", ())
        }

    async def config_dump(self) -> Any:
        """What Envoy runs, endpoints included, as its admin page gives it."""
        return await self._json("/config_dump?include_eds")

    async def clusters(self) -> tuple[HostStatus, ...]:
        """Every endpoint of every cluster."""
        document = await self._json("/clusters?format=json")
        return tuple(
            host_status(cluster["name"], host)
            for cluster in document.get("cluster_statuses", ())
            for host in cluster.get("host_statuses", ())
        )

    async def _json(self, path: str) -> Any:
        return json.loads(await self.get(path))


def host_status(cluster: str, host: Any) -> HostStatus:
    socket = host["address"].get("socket_address", {})
    ejected = bool(host.get("health_status", {}).get("failed_outlier_check", False))
    return HostStatus(
        cluster, host.get("hostname", ""), (socket.get("address", ""), socket.get("port_value", 0)), ejected
    )


def unchunked(body: bytes) -> bytes:
    """Take the chunk marks out of a body; ValueError when it ends early."""
    parts: list[bytes] = []
    at = 0
    while True:
        end = body.index(b"\r\n", at)
        size = int(body[at:end].partition(b";")[0], 16)
        if size == 0:
            return b"".join(parts)
        parts.append(body[end + 2 : end + 2 + size])
        at = end + 2 + size + 2
