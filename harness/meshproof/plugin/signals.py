"""Ctrl-C and SIGTERM in a pytest run with scenarios: both end it in order, and nothing ends that."""

from __future__ import annotations

import signal
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TypeVar

BOTH = (signal.SIGINT, signal.SIGTERM)
T = TypeVar("T")


@contextmanager
def taken_over() -> Iterator[None]:
    """Within this SIGTERM is what Ctrl-C is; afterwards both are what they were before."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in BOTH}
    # As a signal, since an event loop that runs has a handler of its own for that one.
    signal.signal(signal.SIGTERM, lambda _number, _frame: signal.raise_signal(signal.SIGINT))
    try:
        yield
    finally:
        for number, action in before.items():
            signal.signal(number, action)


def interrupted_by_sigterm() -> Callable[[], None]:
    """From now on SIGTERM interrupts this pytest as Ctrl-C does, unless it has a meaning here; call it to undo that."""
    if threading.current_thread() is not threading.main_thread() or signal.getsignal(signal.SIGTERM) != signal.SIG_DFL:
        return lambda: None
    before = {number: signal.getsignal(number) for number in BOTH}
    signal.signal(signal.SIGTERM, lambda _number, _frame: signal.raise_signal(signal.SIGINT))

    def undo() -> None:
        for number, action in before.items():
            signal.signal(number, action)

    return undo


def ignore_both() -> None:
    """From now on, until taken_over() is left: what is being ended is ended to its end."""
    if threading.current_thread() is threading.main_thread():
        for number in BOTH:
            signal.signal(number, signal.SIG_IGN)


async def until_interrupted(work: Awaitable[T]) -> T:
    """Within asyncio.Runner.run: the first signal cancels the work as ever, and no other is heeded from that moment on.

    Else one that comes between the end of the work and pytest's own handling of the first would end pytest itself.
    """
    cancel = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(cancel):
        return await work

    def first(number: int, frame: FrameType | None) -> None:
        ignore_both()
        cancel(number, frame)

    signal.signal(signal.SIGINT, first)
    try:
        return await work
    finally:
        if signal.getsignal(signal.SIGINT) is first:
            # The runner takes away its own handler alone.
            signal.signal(signal.SIGINT, cancel)
