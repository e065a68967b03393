"""What one Locust user does: send the requests that it has tickets for, on its own connections."""

from __future__ import annotations

from time import perf_counter
from typing import Any

from meshproof.traffic.generator.assignment import Assignment, Ticket
from meshproof.traffic.generator.client import Client
from meshproof.traffic.generator.dispatcher import Dispatcher
from meshproof.traffic.generator.prepared import Kind, Prepared
from meshproof.traffic.generator.tcp_client import TcpClient

# By which a server proves that it has read a handshake.
ACCEPT = "sec-websocket-accept"
# How many requests a user sends before Locust may look whether it is to stop.
REQUESTS_PER_TASK = 64


class Session:
    """`environment` is Locust's."""

    def __init__(self, dispatcher: Dispatcher, environment: Any) -> None:
        self.dispatcher = dispatcher
        self.fire = environment.events.request.fire
        self._assignment: Assignment | None = None
        self._clients: dict[tuple[Any, ...], Client] = {}

    def send_several(self) -> None:
        """Send some requests, one after another, each as soon as the answer before it has come."""
        take = self.dispatcher.take
        for _ in range(REQUESTS_PER_TASK):
            self.send(take()[0])

    def client(self, ticket: Ticket) -> Client:
        """The connection to send that request on."""
        assignment = ticket.assignment
        if assignment is not self._assignment:
            self.close()
            self._assignment = assignment
        request = assignment.requests[ticket.index]
        key = (request.address, request.tls, request.kind)
        client = self._clients.get(key)
        if client is None:
            client = _kind(request.kind)(
                request.address,
                assignment.timeout,
                [*assignment.headers, ACCEPT] if request.kind is Kind.SOCKET else assignment.headers,
                digest=assignment.digest,
                tls=request.tls,
            )
            self._clients[key] = client
        return client

    def send(self, ticket: Ticket) -> None:
        """Send one request and report its outcome: to the harness, and where they are wanted to Locust's statistics."""
        assignment = ticket.assignment
        request: Prepared = assignment.requests[ticket.index]
        client = self.client(ticket)
        began = perf_counter()
        answer = client.send(request, ticket.id)
        ended = perf_counter()
        output = self.dispatcher.output
        if output is not None:
            # The harness keeps every answer. Locust's own statistics are kept besides only where a person looks at
            # them: they cost a sixth of the rate.
            output.observation(ticket, began, ended, client)
        if output is None or assignment.statistics:
            self.fire(
                request_type=request.method,
                name=request.name,
                response_time=(ended - began) * 1000,
                response_length=answer.size,
                exception=client.error or (f"HTTP {answer.status}" if answer.status >= 400 else None),
                context={},
            )
        self.dispatcher.over(ticket)

    def close(self) -> None:
        """Close all connections."""
        for client in self._clients.values():
            client.close()
        self._clients.clear()


def _kind(kind: Kind) -> type[Client]:
    if kind is Kind.CALL:
        # Imported where it is used: a load of HTTP/1.1 is to start without it.
        from meshproof.traffic.generator.http2.client import Http2Client

        return Http2Client
    if kind is Kind.STREAM:
        from meshproof.traffic.generator.http2.stream_client import StreamClient

        return StreamClient
    if kind is Kind.SOCKET:
        from meshproof.traffic.generator.websocket_client import WebSocketClient

        return WebSocketClient
    return TcpClient if kind is Kind.TCP else Client
