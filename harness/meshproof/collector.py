"""The cyclic garbage collector, held off while many objects are made that are all kept."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collector_paused(*, to_the_end: bool = False) -> Iterator[None]:
    """No search for cycles within the block: among objects that are all kept each search finds nothing anew.

    Afterwards it is as it was before. What is freed by reference counts alone is freed all the while. What is kept
    `to_the_end` of the process is searched by none that come later, either: the last one would find all of it.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if to_the_end:
            gc.freeze()
        if was_on:
            gc.enable()
