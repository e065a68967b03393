"""One connection after a WebSocket handshake: frames go back as they come."""

from __future__ import annotations

import asyncio
from typing import Protocol

from meshproof.workload.behaviours.websocket import FrameError, Frames
from meshproof.workload.listener import reset


class Holder(Protocol):
    """Who knows the connections of a replica."""

    def disconnected(self, connection: WebSocketConnection, /) -> None: ...


class WebSocketConnection(asyncio.Protocol):
    """It takes over a connection that the site knows already; a client that reads nothing is not read from."""

    def __init__(self, site: Holder, transport: asyncio.Transport) -> None:
        self.site = site
        self.transport = transport
        self.frames = Frames()

    def connection_lost(self, _error: Exception | None) -> None:
        self.site.disconnected(self)

    def data_received(self, data: bytes) -> None:
        try:
            answers = self.frames.received(data)
        except FrameError:
            self.transport.close()
            return
        if answers:
            self.transport.write(answers)
        if self.frames.closed:
            self.transport.close()

    def pause_writing(self) -> None:
        self.transport.pause_reading()

    def resume_writing(self) -> None:
        self.transport.resume_reading()

    def reset(self) -> None:
        """End it without another byte."""
        reset(self.transport)
