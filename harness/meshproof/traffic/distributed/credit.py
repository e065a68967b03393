"""The credit of one load, dealt to several workers in slices.

All workers together never hold more than was granted. A worker gets first as much as its users can
have under way at once, the worker with most idle users before the others; beyond that only so much that
it need not wait for the next slice.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from meshproof.traffic.generator.assignment import UNLIMITED

AHEAD = 512


class Shares:
    """`users` are each worker's: one that has none gets nothing.

    `limit_users` is how many requests may be under way at once in all. It is exact: the workers hold no more
    credit than that. `only` is the one worker that gets any, None: each of them may.
    """

    def __init__(self, requests: int, workers: int) -> None:
        self.users = [0] * workers
        self.limit_users = UNLIMITED
        self.only: int | None = None
        self.granted = [0] * requests
        self._dealt = [[0] * requests for _ in range(workers)]
        self._unspent = [0] * requests
        self._left = 0
        self._owed = [0] * workers
        self._recalled = [False] * workers
        self._next_index = 0

    def grant(self, index: int, total: int) -> None:
        """Allow `total` requests of that index in all; a grant is never taken back."""
        more = total - self.granted[index]
        if more > 0:
            self.granted[index] = total
            self._unspent[index] += more
            self._left += more

    def observed(self, worker: int, count: int) -> None:
        """So many requests of that worker are over and have been reported."""
        self._owed[worker] -= count
        if self._owed[worker] < 0:
            raise ValueError("a worker reports more than it was allowed to send")

    def recall(self) -> list[int]:
        """Have all workers give back what they have not used; those that a message must go to."""
        workers = [worker for worker, recalled in enumerate(self._recalled) if not recalled]
        self._recalled = [True] * len(self._recalled)
        return workers

    def returned(self, worker: int, sent: Sequence[int]) -> None:
        """That worker has given back all but what it has sent so far."""
        for index, count in enumerate(sent):
            back = self._dealt[worker][index] - count
            self._dealt[worker][index] = count
            self._unspent[index] += back
            self._left += back
            self._owed[worker] -= back
        self._recalled[worker] = False

    def deal(self) -> dict[int, dict[int, int]]:
        """For each worker that gets more: how many requests of each index it may send in all."""
        totals: dict[int, dict[int, int]] = {}
        if any(self._recalled):
            # The first to give back would get all of it, and leave the users of others idle.
            return totals
        for worker, count in self._by_worker(min(self.limit_users - sum(self._owed), self._left)):
            self._left -= count
            self._owed[worker] += count
            for index, each in self._by_index(count):
                self._unspent[index] -= each
                self._dealt[worker][index] += each
                totals.setdefault(worker, {})[index] = self._dealt[worker][index]
        return totals

    def _by_worker(self, more: int) -> Iterator[tuple[int, int]]:
        """As one after another would go to whoever has most idle users, and the earlier worker of two alike."""
        # How many of its users have nothing to send; negative: how much is waiting for a user.
        idle = {
            worker: users - self._owed[worker]
            for worker, users in enumerate(self.users)
            if users and self.only in (None, worker) and users - self._owed[worker] > -AHEAD
        }
        level = _level(idle.values(), more)
        rest = more - sum(max(0, one - level) for one in idle.values())
        for worker, one in idle.items():
            further = level > -AHEAD and one >= level and rest > 0
            rest -= further
            if (count := max(0, one - level) + further) > 0:
                yield worker, count

    def _by_index(self, count: int) -> Iterator[tuple[int, int]]:
        """Round robin among the requests that have credit left; there must be as much as `count`."""
        unspent = self._unspent
        while count:
            order = (*range(self._next_index, len(unspent)), *range(self._next_index))
            live = [index for index in order if unspent[index]]
            each = max(1, min(count // len(live), *(unspent[index] for index in live)))
            for index in live[:count]:
                count -= each
                yield index, each
                self._next_index = (index + 1) % len(unspent)


def _level(idle: Iterable[int], more: int) -> int:
    """To which all that are above it can be brought down with `more` in all; at least -AHEAD."""
    highest_first = sorted(idle, reverse=True)
    for count, (here, below) in enumerate(pairwise([*highest_first, -AHEAD]), 1):
        if count * (here - below) > more:
            return here - more // count
        more -= count * (here - below)
    return -AHEAD
