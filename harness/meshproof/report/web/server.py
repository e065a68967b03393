"""Serves a run to the browser of the person who started it, and to nobody else.

It listens on 127.0.0.1, which every user of the machine can reach: so each path begins with a secret that only the
run's own terminal is told. A page of another origin that has a name lead to 127.0.0.1 (DNS rebinding) sends its own
name as Host, and is refused before its path is looked at.
"""

from __future__ import annotations

import contextlib
import json
import secrets
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from meshproof.language.words import ENGLISH, Words
from meshproof.report.html.environment import own, rendered
from meshproof.report.web.board import Board

ADDRESS = "127.0.0.1"
SCRIPT = "live.js"
MOST_CONNECTIONS = 16
READ_SECONDS, RENDER_SECONDS = 10.0, 60.0
# A page is told of changes at most so often, and hears that the run is alive at least so often.
LEAST_PAUSE, LONGEST_SILENCE = 0.2, 10.0
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class Server(ThreadingHTTPServer):
    """The server, on a port that the system chooses; `url` leads to the page of the run in `folder`."""

    daemon_threads = True

    def __init__(self, board: Board, folder: Path, words: Words = ENGLISH) -> None:
        self.board, self.folder, self.words = board, folder, words
        self.token = secrets.token_urlsafe(24)
        self.closing = threading.Event()
        self.rendering = threading.Lock()
        self._places = threading.BoundedSemaphore(MOST_CONNECTIONS)
        super().__init__((ADDRESS, 0), Answer)
        port = self.server_address[1]
        self.hosts = {f"{ADDRESS}:{port}", f"localhost:{port}"}
        self.url = f"http://{ADDRESS}:{port}/{self.token}/"

    def process_request(self, request: Any, client_address: Any) -> None:
        if self._places.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._places.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that goes away is no error of the run's."""


class Answer(BaseHTTPRequestHandler):
    """One request."""

    server: Server
    timeout = READ_SECONDS
    server_version, sys_version = "meshproof", ""

    def do_GET(self) -> None:
        if self.headers.get("Host", "").lower() not in self.server.hosts:
            return self.send_error(HTTPStatus.MISDIRECTED_REQUEST)
        _, token, *rest = self.path.split("/")
        pages: dict[str, Callable[[], None]] = {"": self._page, "events": self._events, "report.html": self._report}
        known = secrets.compare_digest(token.encode(errors="replace"), self.server.token.encode())
        if not known or len(rest) != 1 or rest[0] not in pages:
            return self.send_error(HTTPStatus.NOT_FOUND)
        return pages[rest[0]]()

    def _page(self) -> None:
        self._html(rendered("live.html.j2", self.server.words, script=own(SCRIPT)))

    def _report(self) -> None:
        """The report of what has happened, made by a process of its own: the run must not wait for it."""
        maker = [sys.executable, "-P", "-m", "meshproof.report.web.growing"]
        command = [*maker, str(self.server.folder), self.server.words.language]
        try:
            with self.server.rendering:
                done = subprocess.run(
                    command, capture_output=True, timeout=RENDER_SECONDS, check=True, encoding="utf-8"
                )
        except subprocess.SubprocessError:
            return self.send_error(HTTPStatus.SERVICE_UNAVAILABLE, "the report could not be made")
        return self._html(done.stdout)

    def _events(self) -> None:
        """Server-sent events until the run has ended (html.spec.whatwg.org/multipage/server-sent-events.html)."""
        self._begin("text/event-stream; charset=utf-8")
        version, board = -1, self.server.board
        with board.watching():
            while not self.server.closing.wait(LEAST_PAUSE):
                version, found = board.since(version, LONGEST_SILENCE)
                self.wfile.write(f"data: {json.dumps(found)}\n\n".encode())
                self.wfile.flush()
                if found["ended"]:
                    return

    def _html(self, text: str) -> None:
        self._begin("text/html; charset=utf-8")
        self.wfile.write(text.encode())

    def _begin(self, kind: str) -> None:
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", kind)
        self.end_headers()

    def end_headers(self) -> None:
        for name, value in HEADERS.items():
            self.send_header(name, value)
        self.send_header("Connection", "close")
        super().end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """The path holds the secret: nothing is logged."""


def serve(server: Server) -> threading.Thread:
    """Begin to serve, in a thread that ends with `stop`."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)
    thread.start()
    return thread


def stop(server: Server, thread: threading.Thread, seconds: float = 1.0) -> None:
    """End it; pages have been told that the run has ended."""
    server.closing.set()
    server.shutdown()
    thread.join(seconds)
    with contextlib.suppress(OSError):
        server.socket.shutdown(socket.SHUT_RDWR)
    server.server_close()
