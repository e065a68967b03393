"""Ctrl-C and SIGTERM: the first ends the process in order, and nothing ends that."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Callable
from types import FrameType

BOTH = (signal.SIGINT, signal.SIGTERM)
Handler = Callable[[int, FrameType | None], None]


def interrupt_once() -> None:
    """From now on the first of either raises KeyboardInterrupt, and no later one does anything."""
    _heed(_interrupt)


def on_interrupt(action: Callable[[], object]) -> None:
    """Within a running event loop: the first of either has the loop call `action`, and later ones do nothing.

    Once that loop has ended, a first one raises KeyboardInterrupt.
    """
    # Only now: the command takes signals over before its slow imports.
    import asyncio

    loop = asyncio.get_running_loop()

    def first(number: int, frame: FrameType | None) -> None:
        if not loop.is_running():
            _interrupt(number, frame)
        _heed(_nothing)
        # Else the loop has ended just now, with all that it had to do.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(action)

    if signal.getsignal(signal.SIGINT) is not _nothing:
        _heed(first)


def ended() -> None:
    """From now on neither does anything, up to the interpreter's end, which takes all other handlers away before."""
    for number in BOTH:
        signal.signal(number, signal.SIG_IGN)


def _interrupt(number: int, frame: FrameType | None) -> None:
    _heed(_nothing)
    signal.default_int_handler(number, frame)


def _nothing(_number: int, _frame: FrameType | None) -> None:
    """No SIG_IGN: whatever is started now would ignore them, too."""


def _heed(handler: Handler) -> None:
    for number in BOTH:
        signal.signal(number, handler)
