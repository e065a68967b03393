"""The generator's client of gRPC, against grpcio's own server."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from concurrent import futures
from dataclasses import replace

import grpc
import pytest
from h2 import events
from h2.config import H2Configuration
from h2.connection import H2Connection
from meshproof.border.request import parse
from meshproof.traffic import wire
from meshproof.traffic.generator.http2.client import Http2Client
from meshproof.traffic.generator.http2.stream_client import StreamClient
from meshproof.traffic.generator.prepared import Prepared, prepare

LARGE = 300_000
INTERNAL_ERROR = 2


class Service(grpc.GenericRpcHandler):
    """`Echo` gives a message back, `Fail` says that something is lost, `Late` ends the call after a message."""

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler | None:
        metadata = dict(details.invocation_metadata)

        def echo(message: bytes, context: grpc.ServicerContext) -> bytes:
            context.send_initial_metadata((("x-id", metadata["x-meshproof-id"]),))
            return message

        def fail(_message: bytes, context: grpc.ServicerContext) -> None:
            context.abort(grpc.StatusCode.DATA_LOSS, "lost")

        def late(message: bytes, context: grpc.ServicerContext) -> Iterator[bytes]:
            yield message
            context.abort(grpc.StatusCode.UNAVAILABLE, "gone")

        def count(messages: Iterator[bytes], _context: grpc.ServicerContext) -> bytes:
            return b"%d" % sum(1 for _ in messages)

        def numbers(_message: bytes, _context: grpc.ServicerContext) -> Iterator[bytes]:
            return (b"%d" % number for number in range(1, 4))

        def repeat(messages: Iterator[bytes], _context: grpc.ServicerContext) -> Iterator[bytes]:
            return messages

        unary, stream = grpc.unary_unary_rpc_method_handler, grpc.unary_stream_rpc_method_handler
        methods = {
            **{"/a.B/Echo": unary(echo), "/a.B/Fail": unary(fail), "/a.B/Late": stream(late)},
            **{"/a.B/Count": grpc.stream_unary_rpc_method_handler(count), "/a.B/Numbers": stream(numbers)},
            "/a.B/Repeat": grpc.stream_stream_rpc_method_handler(repeat),
        }
        return methods.get(details.method)


@pytest.fixture(scope="module")
def address() -> Iterator[tuple[str, int]]:
    server = grpc.server(futures.ThreadPoolExecutor(2), handlers=(Service(),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield "127.0.0.1", port
    server.stop(None)


def called(text: str, address: tuple[str, int], body: bytes = b"") -> Prepared:
    request = replace(parse(text), body=body)
    start = wire.start((request,), users=1, timeout=1.0, resolve={request.endpoint: address}, ids="a")["start"]
    return prepare(start["requests"][0])


def test_calls_one_after_another_on_one_connection(address: tuple[str, int]) -> None:
    client = Http2Client(address, 5.0, ["grpc-status", "grpc-message", "x-id"])
    seen: list[tuple[str, int, str, int, str | None]] = []
    ports: set[int] = set()
    for number, (method, size) in enumerate((("Echo", 0), ("Echo", LARGE), ("Fail", 3), ("Late", 3), ("None", 0))):
        answer = client.send(called(f"grpc://b:{address[1]}/a.B/{method}", address, b"a" * size), str(number))
        headers = dict(answer.headers)
        seen.append((client.error, answer.status, headers["grpc-status"], answer.size, headers.get("x-id")))
        ports.add(client.socket.getsockname()[1])
    assert seen == [
        *[("", 200, "0", 5, "0"), ("", 200, "0", 5 + LARGE, "1"), ("", 200, "15", 0, None)],
        *[("", 200, "14", 8, None), ("", 200, "12", 0, None)],
    ]
    assert len(ports) == 1
    client.close()


def test_nobody_there() -> None:
    client = Http2Client(("127.0.0.1", 1), 5.0)
    client.send(called("grpc://b:1/a.B/Echo", ("127.0.0.1", 1)), "1")
    assert client.error == "connection refused"


@pytest.mark.parametrize(
    ("method", "said", "error", "came"),
    [
        ("Count", "client 5 0.01", "", "1"),
        ("Numbers", "server 3 0", "", "3"),
        ("Repeat", "both 4 0.01", "", "4"),
        ("Numbers", "server 4 0", "3 of 4 messages came", "3"),
        ("Late", "server 2 0", "message 1 says b'x'", "1"),
        ("Fail", "both 2 0", "", "0"),
    ],
)
def test_calls_of_several_messages(address: tuple[str, int], method: str, said: str, error: str, came: str) -> None:
    client = StreamClient(address, 5.0, ["grpc-status"])
    for number in "12":
        request = called(f"grpc://b:{address[1]}/a.B/{method} 'x-meshproof-stream:{said}'", address, b"x")
        answer = client.send(request, number)
        assert (client.error, answer.status, dict(answer.headers)["x-meshproof-messages"]) == (
            error,
            0 if error else 200,
            came,
        )
    client.close()


def test_a_stream_that_is_reset_behind_a_message_was_reset() -> None:
    """Both come at once: the next message of the client has nowhere to go."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=_reset_behind_a_message, args=(server,), daemon=True).start()
        address = server.getsockname()
        client = StreamClient(address, 5.0, ["grpc-status"])
        request = called(f"grpc://b:{address[1]}/a.B/Repeat 'x-meshproof-stream:both 3 0.01'", address, b"x")
        answer = client.send(request, "1")
        assert (client.error, dict(answer.headers)["x-meshproof-messages"]) == ("stream reset: internal error", "1")
        client.close()


def _reset_behind_a_message(server: socket.socket) -> None:
    peer, _ = server.accept()
    with peer:
        http2 = H2Connection(H2Configuration(client_side=False))
        http2.initiate_connection()
        stream = 0
        while not stream:
            for event in http2.receive_data(peer.recv(65536)):
                stream = event.stream_id if isinstance(event, events.DataReceived) else stream
        http2.send_headers(stream, [(":status", "200")])
        http2.send_data(stream, b"\0\0\0\0\1" + b"1")
        http2.reset_stream(stream, INTERNAL_ERROR)
        peer.sendall(http2.data_to_send())
        # Until the client leaves.
        while peer.recv(65536):
            pass
