"""A port of 127.0.0.1 that leads to a port of a pod, each connection by a WebSocket of its own to the API server.

`kubectl port-forward` has one connection for all, and ends with the first that the pod refuses or resets. Here that
one alone ends, and the local client sees what it would see of the pod itself. The protocol, of Kubernetes 1.5 and
newer, is that of k8s.io/kubelet/pkg/cri/streaming/portforward: messages of a channel's number and bytes, channel 0
the data, channel 1 what went wrong, and each channel begins with the port's two bytes.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
import struct
from collections.abc import AsyncIterator
from urllib.parse import quote

from kubernetes.client import ApiClient
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed, ConnectionClosedOK

from meshproof.border.timeouts import Timeouts
from meshproof.errors import TargetError
from meshproof.records import dataclass
from meshproof.targets.kube.api.websocket import WebSockets

PROTOCOL = "v4.channel.k8s.io"
CHANNEL_OF_DATA, CHANNEL_OF_ERRORS = b"\0", b"\1"
BROKE = "the connection broke"
PORT_BYTES = 2
PIECE = 1 << 16
WAITING = 1024
# Errors of container runtimes that come from the pod itself; any other error is the cluster's.
BY_THE_POD = re.compile(r"refused|reset|broken pipe|time[d ]*out|unreachable|no route", re.IGNORECASE)
# With it a socket is closed by a reset (SO_LINGER of no time).
RESET = struct.pack("ii", 1, 0)


class Forward:
    """One such port; `port` is the local one. `failure` is the first error of the API server about it."""

    def __init__(
        self, api: ApiClient, namespace: str, pod: str, port: int, timeouts: Timeouts, *, hint: str = ""
    ) -> None:
        self.port = 0
        self.failure: TargetError | None = None
        self._sockets = WebSockets(api, timeouts.kube_forward, timeouts.kube_forward_closed, hint)
        self._path = f"/api/v1/namespaces/{quote(namespace, safe='')}/pods/{quote(pod, safe='')}/portforward"
        self._query = {"ports": str(port)}
        self._what = f"forwarding a local port to pod {namespace}/{pod}:{port}"
        self._quiet = timeouts.kube_forward_quiet
        self._server: asyncio.Server | None = None
        self._carrying: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Open the port; TargetError when the API server does not reach the pod, which a first connection shows."""
        await self._sockets.leave(await self._dial())
        self._server = await asyncio.start_server(self._accepted, "127.0.0.1", 0, limit=PIECE, backlog=WAITING)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Close the port and every connection; safe to call more than once."""
        if self._server is not None:
            self._server.close()
        carrying = list(self._carrying)
        for task in carrying:
            task.cancel()
        await asyncio.gather(*carrying, return_exceptions=True)

    async def _dial(self) -> ClientConnection:
        return await self._sockets.open(self._path, self._query, PROTOCOL, self._what)

    def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(self._carry(reader, writer))
        self._carrying.add(task)
        task.add_done_callback(self._carrying.discard)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, from end to end."""
        # With a limit of 0, drain() returns when all data was sent: a reset must not overtake it.
        writer.transport.set_write_buffer_limits(0)
        error: str | None = "it was cancelled"
        try:
            error = await self._through(reader, writer)
            if error and error != BROKE and not BY_THE_POD.search(error):
                raise TargetError(f"{self._what} failed", error)
        except TargetError as failure:
            self.failure = self.failure or failure
        finally:
            if error:
                with contextlib.suppress(OSError):
                    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                writer.transport.abort()
            writer.close()

    async def _through(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> str:
        """Carry data both ways until either side ends; the error of the pod's side, if any."""
        remote = await self._dial()
        answers = _Answers(remote, writer)
        out = asyncio.ensure_future(_out(reader, remote))
        back = asyncio.ensure_future(answers.carry())
        try:
            await asyncio.wait((out, back), return_when=asyncio.FIRST_COMPLETED)
            listens = not out.done() or await out
            pieces = -1
            # The client has closed its sending side. The protocol cannot say so, and an answer may still come.
            while listens and not back.done() and pieces != answers.pieces:
                pieces = answers.pieces
                await asyncio.wait((back,), timeout=self._quiet)
        finally:
            out.cancel()
            back.cancel()
            await asyncio.gather(out, back, return_exceptions=True)
            await asyncio.shield(self._sockets.leave(remote))
        return answers.error


async def _out(reader: asyncio.StreamReader, remote: ClientConnection) -> bool:
    """Carry the local client's data until it ends; whether the client may still read."""
    try:
        while data := await reader.read(PIECE):
            await remote.send(CHANNEL_OF_DATA + data)
    except ConnectionError:
        return False
    except ConnectionClosed:
        # The reason is handled where the answers are read.
        await remote.wait_closed()
    return True


@dataclass(slots=True)
class _Answers:
    """What comes back: how many pieces so far, and the error at the other end."""

    remote: ClientConnection
    writer: asyncio.StreamWriter
    pieces: int = 0
    error: str = ""

    async def carry(self) -> None:
        """Carry data until the other end closes, or the local client is gone."""
        begun = set()
        try:
            while True:
                message = await self.remote.recv(decode=False)
                channel, data = message[:1], message[1:]
                if channel not in begun:
                    begun.add(channel)
                    data = data[PORT_BYTES:]
                self.pieces += 1
                if channel == CHANNEL_OF_ERRORS:
                    self.error += data.decode(errors="replace")
                elif data:
                    self.writer.write(data)
                    await self.writer.drain()
        except ConnectionError:
            return
        except ConnectionClosedOK:
            return
        except ConnectionClosed:
            self.error = self.error or BROKE


@contextlib.asynccontextmanager
async def forwarded(
    api: ApiClient, namespace: str, pod: str, port: int, timeouts: Timeouts, *, hint: str = ""
) -> AsyncIterator[int]:
    """The local port of a Forward, which lasts as long as the block; TargetError as start() raises it."""
    forward = Forward(api, namespace, pod, port, timeouts, hint=hint)
    try:
        await forward.start()
        yield forward.port
    finally:
        await asyncio.shield(forward.close())
