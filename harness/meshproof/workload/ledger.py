"""The books of one workload: what it received, how much at once, within bounded memory."""

from __future__ import annotations

import time
from typing import Any

from meshproof.workload.message import RawHeaders, Request, digest

REQUESTS_CAP = 200_000
BYTES_CAP = 64 << 20
# What Python takes for a request, and for each of its headers, beside their text.
REQUEST_BYTES = 400
HEADER_BYTES = 120
PAGE_BYTES = 256 << 10

Row = tuple[str, str, str, str, RawHeaders, str, float, bool, int]


class Ledger:
    """Counts every request that carries x-meshproof-id and keeps each until a cap is reached.

    `forgotten` is how many were counted but not kept, `unidentified` how many came
    without the header. `in_flight` are requests whose head has come and whose answer has not been
    written yet.
    """

    def __init__(self, requests_cap: int = REQUESTS_CAP, bytes_cap: int = BYTES_CAP) -> None:
        self.requests_cap = requests_cap
        self.bytes_cap = bytes_cap
        self.in_flight = 0
        self.connections = 0
        self.open()

    def open(self) -> None:
        """Begin new books: everything counted so far is dropped, what is under way stays under way."""
        self.rows: list[Row] = []
        self.bytes = 0
        self.received = 0
        self.forgotten = 0
        self.unidentified = 0
        self.high_water = self.in_flight
        self.connections_high_water = self.connections

    def enter(self) -> None:
        self.in_flight += 1
        if self.in_flight > self.high_water:
            self.high_water = self.in_flight

    def leave(self, count: int = 1) -> None:
        self.in_flight -= count

    def connected(self) -> None:
        self.connections += 1
        self.connections_high_water = max(self.connections_high_water, self.connections)

    def disconnected(self) -> None:
        self.connections -= 1

    def receive(self, request: Request, head_bytes: int = 0, port: int = 0) -> None:
        """Enter one request that has been received whole, with about so many bytes of headers, on a container port."""
        if request.id is None:
            self.unidentified += 1
            return
        self.received += 1
        size = REQUEST_BYTES + HEADER_BYTES * len(request.headers) + head_bytes
        if len(self.rows) >= self.requests_cap or self.bytes + size > self.bytes_cap:
            self.forgotten += 1
            return
        self.bytes += size
        asked = request.id, request.method, request.target, request.authority, request.headers
        self.rows.append((*asked, digest(request.body), time.time(), request.http2, port))

    def page(self, start: int) -> dict[str, Any]:
        """The counts, and the kept requests from `start` on as far as a page goes; `next` is None at the end.

        Of a header a request has its place in `headers`, which holds each once: most are the same in all requests.
        """
        rows: list[list[Any]] = []
        places: dict[tuple[bytes, bytes], int] = {}
        size = 0
        for number in range(start, len(self.rows)):
            row = self.rows[number]
            rows.append([*row[:4], [places.setdefault(pair, len(places)) for pair in row[4]], *row[5:]])
            size += 200 + len(row[2]) + sum([len(name) + len(value) + 8 for name, value in row[4]])
            if size >= PAGE_BYTES:
                break
        headers = [[name.decode("latin-1"), value.decode("latin-1")] for name, value in places]
        following = start + len(rows)
        further = following if following < len(self.rows) else None
        return self.counts() | {"requests": rows, "headers": headers, "next": further}

    def counts(self) -> dict[str, int]:
        return {
            "received": self.received,
            "forgotten": self.forgotten,
            "unidentified": self.unidentified,
            "high_water": self.high_water,
            "connections_high_water": self.connections_high_water,
        }
