"""Standard streams that may be closed, full, or lead to a reader that went away: none of that is a verdict."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from typing import TextIO

DESCRIPTORS = (0, 1, 2)


class Stream(io.TextIOWrapper):
    """A standard stream whose first write that fails is its last one; `lost` says that something was not delivered.

    A reader that closed its pipe wants no more, so nothing is lost then.
    """

    lost = False

    def write(self, text: str, /) -> int:
        try:
            return super().write(text)
        except OSError as error:
            self._give_up(error)
            return len(text)

    def flush(self) -> None:
        try:
            super().flush()
        except OSError as error:
            self._give_up(error)

    def _give_up(self, error: OSError) -> None:
        if not isinstance(error, BrokenPipeError):
            self.lost = True
        # What is still buffered goes nowhere, so that the interpreter's own last flush finds no error either.
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, self.fileno())
        os.close(null)


def repair() -> None:
    """Give the process three standard streams that never raise, whatever it was started with.

    A descriptor that is closed is opened on the null device: the next file or socket would get its number otherwise,
    and what a child writes to its standard error would end up there.
    """
    closed = [number for number in DESCRIPTORS if not _is_open(number)]
    for number in closed:
        null = os.open(os.devnull, os.O_RDWR)
        if null != number:
            os.dup2(null, number)
            os.close(null)
    if 0 in closed:
        sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stdout = _stream(sys.stdout, 1, lost=1 in closed)
    sys.stderr = _stream(sys.stderr, 2, lost=False)


def guarded(now: TextIO | None) -> Stream | None:
    """A stream that never raises in the place of this one, which keeps its descriptor; None where it has none."""
    if not isinstance(now, io.TextIOWrapper) or isinstance(now, Stream):
        return None
    made = Stream(now.buffer, encoding=now.encoding, errors="replace", line_buffering=now.line_buffering)
    try:
        now.flush()
    except OSError as error:
        made._give_up(error)
    return made


def output_lost() -> bool:
    """Whether something that was written to standard output never got there."""
    with contextlib.suppress(ValueError):
        sys.stdout.flush()
    return isinstance(sys.stdout, Stream) and sys.stdout.lost


def _is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True


def _stream(now: TextIO | None, number: int, *, lost: bool) -> TextIO:
    if now is not None and not isinstance(now, io.TextIOWrapper):
        # Somebody else put it there, and answers for it.
        return now
    if now is None:
        made = Stream(open(number, "wb", closefd=False), encoding="utf-8", errors="replace")  # noqa: SIM115
    else:
        line_buffering = now.line_buffering
        encoding, errors = now.encoding, now.errors
        made = Stream(now.detach(), encoding=encoding, errors=errors, line_buffering=line_buffering)
    made.lost = lost
    return made
