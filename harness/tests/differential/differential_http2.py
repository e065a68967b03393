"""Calls of gRPC over HTTP/2: a pod that answers each with its name, and a client of one call."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from h2 import events
from h2.config import H2Configuration
from h2.connection import H2Connection
from meshproof.traffic.generator.prepared import Fields, Prepared

Pairs = tuple[tuple[str, str], ...]
# The first two lines of the preface, of which a reader of HTTP/1.1 takes the first for a request.
BEGUN = b"PRI * HTTP/2.0\r\n\r\n"
OK: Fields = [(b":status", b"200"), (b"content-type", b"application/grpc"), (b"grpc-status", b"0")]
CHUNK = 1 << 16


def shown(fields: Any) -> Pairs:
    return tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in fields)


async def answer(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, headers: Pairs, received: Callable[[Pairs], None]
) -> None:
    """Answer what comes after BEGUN; `received` gets the head of each call."""
    pod = H2Connection(H2Configuration(client_side=False, header_encoding=None))
    pod.initiate_connection()
    heads: dict[int, Pairs] = {}
    own = [(name.encode(), value.encode()) for name, value in headers]
    part = BEGUN
    while part:
        for event in pod.receive_data(part):
            if isinstance(event, events.RequestReceived):
                heads[event.stream_id] = shown(event.headers)
            elif isinstance(event, events.StreamEnded):
                received(heads.pop(event.stream_id))
                pod.send_headers(event.stream_id, [*OK, *own], end_stream=True)
        writer.write(pod.data_to_send())
        part = await reader.read(CHUNK)


async def call(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: Prepared, id: str
) -> tuple[int, Pairs]:
    """The status of HTTP, and the other headers of head and trailers."""
    client = H2Connection(H2Configuration(header_encoding=None, normalize_outbound_headers=False))
    client.initiate_connection()
    stream = client.get_next_available_stream_id()
    client.send_headers(stream, [*request.fields, (b"x-meshproof-id", id.encode())])
    client.send_data(stream, request.message, end_stream=True)
    found: list[tuple[str, str]] = []
    while True:
        writer.write(client.data_to_send())
        for event in client.receive_data(await reader.read(CHUNK)):
            if isinstance(event, events.ResponseReceived | events.TrailersReceived):
                found += shown(event.headers)
            elif isinstance(event, events.StreamReset | events.ConnectionTerminated):
                raise ConnectionError(repr(event))
            elif isinstance(event, events.StreamEnded):
                status = int(dict(found)[":status"])
                return status, tuple(pair for pair in found if pair[0] != ":status")
