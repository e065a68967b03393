"""Ctrl-C and SIGTERM in a pytest run with scenarios: both end it in order, and nothing ends that."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

BOTH = (signal.SIGINT, signal.SIGTERM)


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


def ignore_both() -> None:
    """From now on, until taken_over() is left: what is being ended is ended to its end."""
    if threading.current_thread() is threading.main_thread():
        for number in BOTH:
            signal.signal(number, signal.SIG_IGN)
