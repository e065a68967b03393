"""The aggregated discovery service: the control plane's end of the wire.

https://www.envoyproxy.io/docs/envoy/latest/api-docs/xds_protocol#aggregated-discovery-service
"""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import grpc
import grpc.aio
from envoy.service.discovery.v3 import discovery_pb2

from meshproof.border.timeouts import Timeouts
from meshproof.envoy.control_plane.control import Acknowledgement, Controlled
from meshproof.envoy.control_plane.subscription import Stream
from meshproof.envoy.snapshot import Snapshot
from meshproof.envoy.unix_socket import socket_path
from meshproof.errors import TargetError

SERVICE = "envoy.service.discovery.v3.AggregatedDiscoveryService"
METHOD = "StreamAggregatedResources"
MAX_MESSAGE_BYTES = 64 << 20


class AdsServer:
    """Holds one snapshot per proxy and serves it over a unix socket in state-of-the-world ADS.

    Start it before the proxies: an Envoy that finds no server waits before it tries again.
    """

    def __init__(self, path: Path, timeouts: Timeouts | None = None) -> None:
        self.path = path
        self._timeouts = timeouts or Timeouts()
        self._proxies: dict[str, Controlled] = {}
        self._server: Any = None

    async def start(self) -> None:
        # gRPC takes it for a URI, in which a percent sign, a question mark and a hash mean something.
        address = f"unix:{quote(socket_path(self.path))}"
        self._server = grpc.aio.server(
            options=[("grpc.max_receive_message_length", MAX_MESSAGE_BYTES), ("grpc.max_send_message_length", -1)]
        )
        handler = grpc.stream_stream_rpc_method_handler(
            self._serve,
            request_deserializer=discovery_pb2.DiscoveryRequest.FromString,
            response_serializer=discovery_pb2.DiscoveryResponse.SerializeToString,
        )
        self._server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, {METHOD: handler}),))
        try:
            self._server.add_insecure_port(address)
        except RuntimeError as error:
            raise TargetError(f"the control plane cannot listen on {self.path}", str(error)) from None
        starting = asyncio.ensure_future(self._server.start())
        try:
            await asyncio.shield(starting)
        except asyncio.CancelledError:
            # A server of gRPC that is stopped half-way through its start prints a traceback of its own.
            await starting
            raise

    async def stop(self) -> None:
        if self._server is not None:
            await self._server.stop(None)
            self._server = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    def current(self, node: str) -> Snapshot | None:
        """The snapshot that a proxy acknowledged last."""
        return self._proxy(node).current

    async def set(self, node: str, snapshot: Snapshot) -> Acknowledgement:
        """Give a proxy its snapshot and wait until it has acknowledged all of it.

        After that every new request is routed by it. Raises control.Refused (a TargetError) on a
        NACK: the former snapshot is then current again; TargetError when Timeouts.config_acknowledged
        runs out.
        """
        return await self._proxy(node).set(snapshot, self._timeouts.config_acknowledged)

    def forget(self, node: str) -> None:
        """Drop what is held for a proxy that has ended."""
        self._proxies.pop(node, None)

    def _proxy(self, node: str) -> Controlled:
        return self._proxies.setdefault(node, Controlled(node))

    async def _serve(self, requests: Any, context: Any) -> None:
        stream = Stream()
        proxy: Controlled | None = None
        writer = asyncio.create_task(self._write(stream, context))
        try:
            async for request in requests:
                if proxy is None:
                    proxy = self._proxy(request.node.id)
                    proxy.connect(stream)
                proxy.receive(stream, request)
        finally:
            if proxy is not None:
                proxy.disconnect(stream)
            writer.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await writer

    async def _write(self, stream: Stream, context: Any) -> None:
        while True:
            await context.write(await stream.outbox.get())
