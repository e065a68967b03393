"""A stand-in for an API server with a node behind it, which forwards to ports of this machine in the place of pods.

It speaks the protocol as kubelet and containerd do: k8s.io/kubelet/pkg/cri/streaming/portforward and containerd's
sandbox_portforward_linux.go, whose error messages it uses.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import ssl
import struct
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs, urlsplit

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

PATH = re.compile(r"/api/v1/namespaces/([^/]+)/pods/([^/]+)/portforward")


@dataclass(slots=True)
class StandIn:
    """`asked` are the requests so far, `open` the WebSockets that there are, `most` the most that there were at once.

    `refuse` is a status and a body for whoever asks, `location` where they are sent with it, `words` what the error
    channel says instead of anything else; `grace` is how long the other direction may go on, in seconds. `leads` says
    which port of this machine stands for a pod's (`one:8080`), where that is not the same one.
    """

    url: str = ""
    asked: list[Request] = field(default_factory=list)
    open: int = 0
    most: int = 0
    refuse: tuple[int, dict[str, Any]] | None = None
    location: str = ""
    words: str = ""
    grace: float = 0.05
    leads: dict[str, int] = field(default_factory=dict)
    _server: Server | None = None
    _serving: set[asyncio.Task[None] | None] = field(default_factory=set)

    async def start(self, tls: ssl.SSLContext | None = None) -> None:
        self._server = await serve(
            self._forward,
            "127.0.0.1",
            0,
            ssl=tls,
            subprotocols=[Subprotocol("v4.channel.k8s.io")],
            process_request=self._answer,
            compression=None,
            ping_interval=None,
            max_size=None,
            close_timeout=0.5,
        )
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def vanish(self) -> None:
        """Vanish as a machine does that loses its power, if it runs."""
        if self._server is not None:
            for connection in list(self._server.connections):
                connection.transport.abort()
            for task in self._serving:
                assert task is not None
                task.cancel()
            self._server.close()
            await self._server.wait_closed()

    def _answer(self, connection: ServerConnection, request: Request) -> Response | None:
        self.asked.append(request)
        if self.refuse is None:
            return None
        status, body = self.refuse
        data = json.dumps(body).encode()
        headers = Headers({"content-type": "application/json", "content-length": str(len(data))})
        if self.location:
            headers["location"] = self.location
        return Response(status, HTTPStatus(status).phrase, headers, data)

    async def _forward(self, remote: ServerConnection) -> None:
        assert remote.request is not None
        assert remote.subprotocol == "v4.channel.k8s.io"
        target = urlsplit(remote.request.path)
        named = PATH.fullmatch(target.path)
        assert named
        port = int(parse_qs(target.query)["ports"][0])
        self.open += 1
        self.most = max(self.most, self.open)
        self._serving.add(asyncio.current_task())
        try:
            with contextlib.suppress(ConnectionClosed):
                for channel in (b"\0", b"\1"):
                    await remote.send(channel + struct.pack("<H", port))
                if words := self.words or await self._pod(remote, self.leads.get(f"{named[2]}:{port}", port)):
                    await remote.send(b"\1" + f"error forwarding port {port} to pod one, uid : {words}".encode())
        finally:
            self.open -= 1
            self._serving.discard(asyncio.current_task())

    async def _pod(self, remote: ServerConnection, port: int) -> str:
        """Forward to the pod until either side ends; what was wrong."""
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            return f"failed to connect to localhost:{port} inside namespace: dial tcp4: connect: connection refused"
        both = {asyncio.ensure_future(self._to(remote, writer)), asyncio.ensure_future(self._from(reader, remote))}
        try:
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            await asyncio.wait(both, timeout=self.grace)
            return next((one.result() for one in both if one.done() and one.result()), "")
        finally:
            for one in both:
                one.cancel()
            writer.close()

    async def _to(self, remote: ServerConnection, writer: asyncio.StreamWriter) -> str:
        try:
            async for message in remote:
                assert isinstance(message, bytes)
                assert message[:1] == b"\0"
                writer.write(message[1:])
                await writer.drain()
        except ConnectionClosed:
            return ""
        except OSError:
            return "write tcp4: write: broken pipe"
        return ""

    async def _from(self, reader: asyncio.StreamReader, remote: ServerConnection) -> str:
        try:
            while data := await reader.read(1 << 15):
                await remote.send(b"\0" + data)
        except ConnectionClosed:
            return ""
        except OSError:
            return "read tcp4: read: connection reset by peer"
        return ""
