"""What a generator has reported of one load."""

from __future__ import annotations

import errno
import os
from typing import Any

from meshproof.border.observation import Observation
from meshproof.errors import TargetError

# What the sender's own system answers before anything has left it: no mesh has had a say in that.
_OWN = (errno.ENETUNREACH, errno.ENETDOWN, errno.EADDRNOTAVAIL, errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
UNSENT = frozenset(os.strerror(one).lower() for one in _OWN)


class Observed:
    """The reports of one load so far.

    `batch` holds observations that have not been taken yet, `count` how many there were in all; `began` is the load's
    zero of time by the generator's clocks: seconds since the epoch, and monotonic ones (None: it has not begun);
    `stages` are those that are in force; `done` holds the generator's own totals, once the load has ended.
    """

    __slots__ = ("batch", "began", "count", "done", "stages")

    def __init__(self) -> None:
        self.batch: list[Observation] = []
        self.count = 0
        self.began: tuple[float, float] | None = None
        self.stages: set[int] = set()
        self.done: dict[str, Any] | None = None

    def add(self, rows: list[Any]) -> list[dict[str, Any]]:
        """Take rows of the wire; those that are about no load are returned. Raises what malformed ones lead to, and
        TargetError where the sender's own system lets nothing out.
        """
        others: list[dict[str, Any]] = []
        batch = self.batch
        before = len(batch)
        for row in rows:
            if type(row) is list:
                if row[8] in UNSENT:
                    raise TargetError(f"load generator: the system that it runs on sends nothing: {row[8]}")
                row[10] = tuple(map(tuple, row[10])) if row[10] else ()
                batch.append(Observation(*row))
            elif "done" in row:
                self.done = row["done"]
            elif "staged" in row:
                self.stages.add(row["staged"])
            elif "begun" in row:
                epoch, monotonic = row["begun"]
                self.began = (float(epoch), float(monotonic))
            else:
                others.append(row)
        self.count += len(batch) - before
        return others

    def take(self) -> list[Observation]:
        """The observations since the last call."""
        batch, self.batch = self.batch, []
        return batch
