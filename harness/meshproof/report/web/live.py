"""A Handler that lets a browser watch the run."""

from __future__ import annotations

from pathlib import Path

from meshproof.errors import TargetError
from meshproof.language.words import ENGLISH, Words
from meshproof.report.events import Event
from meshproof.report.web.board import Board
from meshproof.report.web.server import Server, serve, stop

# Seconds that pages may take to hear of the end.
FAREWELL = 0.5


class Live:
    """Serves from when it is made until it is closed; `url` is for the person who started the run alone."""

    def __init__(self, folder: Path, words: Words = ENGLISH) -> None:
        self._board = Board(words)
        try:
            self._server = Server(self._board, folder, words)
        except OSError as error:
            raise TargetError(f"--web cannot listen on 127.0.0.1: {error.strerror or error}") from None
        self._thread = serve(self._server)

    @property
    def url(self) -> str:
        return self._server.url

    def handle(self, event: Event) -> None:
        self._board.take(event)

    def close(self) -> None:
        self._board.end(FAREWELL)
        stop(self._server, self._thread)
