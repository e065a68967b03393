"""One load as the generator carries it out: what may be sent, what is under way, what is accounted for.

All of it runs in one greenlet at a time and never waits, so nothing here needs a lock.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from time import perf_counter, time
from typing import Any

from meshproof.traffic.generator.prepared import Prepared, prepare

UNLIMITED = 1 << 62


class Ticket:
    """One request that may be sent; it counts as sent from now on."""

    __slots__ = ("assignment", "id", "index", "stage")

    def __init__(self, assignment: Assignment, index: int, id: str, stage: int) -> None:
        self.assignment = assignment
        self.index = index
        self.id = id
        self.stage = stage


class Assignment:
    """`left` is the credit that remains: never more is sent than was granted, whatever happens.

    With `statistics` Locust's own are kept beside what the harness is told.
    `limit_users` is how many requests may be under way at once, when fewer than there are users.
    """

    def __init__(
        self,
        requests: Sequence[Prepared],
        *,
        users: int = 1,
        timeout: float = 15.0,
        ids: str = "",
        headers: Sequence[str] = (),
        digest: bool = False,
        statistics: bool = False,
    ) -> None:
        self.requests = requests
        self.users = users
        self.timeout = timeout
        self.ids = ids
        self.headers = headers
        self.digest = digest
        self.statistics = statistics
        self.began = perf_counter()
        self.began_at = time()
        self.granted = [0] * len(requests)
        self.sent = [0] * len(requests)
        self.observed = 0
        self.left = 0
        self.stage = 0
        self.limit_users = UNLIMITED
        self.stopped = False
        self._next = 0
        self._number = 0
        self._under_way: dict[int, int] = {}
        self._entering: int | None = None

    @classmethod
    def read(cls, start: Mapping[str, Any]) -> Assignment:
        """From the content of a start message (wire.start); raises KeyError and ValueError."""
        assignment = cls(
            [prepare(described) for described in start["requests"]],
            users=int(start["users"]),
            timeout=float(start["timeout"]),
            ids=str(start["ids"]),
            headers=start["headers"],
            digest=bool(start["digest"]),
            statistics=bool(start["statistics"]),
        )
        if "zero" in start:
            # Several processes of one machine carry the load out: all of them count from the same moment.
            assignment.began = float(start["zero"])
        elif "zero_at" in start:
            # Of several machines only the time of day is the same.
            assignment.began = perf_counter() - (time() - float(start["zero_at"]))
        return assignment

    def grant(self, index: int, total: int) -> None:
        """Allow `total` requests of that index in all; a grant is never taken back."""
        more = total - self.granted[index]
        if more > 0:
            self.granted[index] = total
            self.left += more

    def recall(self) -> list[int]:
        """Give back all credit that is left; how many requests of each index have been sent."""
        self.granted = list(self.sent)
        self.left = 0
        return list(self.sent)

    def take(self) -> Ticket:
        """A ticket for the next request in order that has credit; there must be some left."""
        index = self._next
        while self.sent[index] >= self.granted[index]:
            index = (index + 1) % len(self.sent)
        self._next = (index + 1) % len(self.sent)
        self.sent[index] += 1
        self.left -= 1
        self._number += 1
        self._under_way[self.stage] = self._under_way.get(self.stage, 0) + 1
        return Ticket(self, index, f"{self.ids}{self._number:x}", self.stage)

    def answered(self, ticket: Ticket) -> None:
        """That request is over and has been reported."""
        self.observed += 1
        self._under_way[ticket.stage] -= 1

    def enter(self, stage: int) -> None:
        """What is taken from now on belongs to `stage`."""
        self.stage = stage
        self._entering = stage
        self._under_way = {known: count for known, count in self._under_way.items() if count}

    def settled(self) -> int | None:
        """The stage that was entered, once, as soon as nothing taken under another one is under way."""
        stage = self._entering
        if stage is None or any(count for known, count in self._under_way.items() if known != stage):
            return None
        self._entering = None
        return stage

    def allows(self, count: int) -> bool:
        """Whether `count` requests may be sent now."""
        if self.stopped or self.left < count:
            return False
        return self.limit_users == UNLIMITED or self.under_way + count <= self.limit_users

    @property
    def under_way(self) -> int:
        return sum(self._under_way.values())

    @property
    def over(self) -> bool:
        """It was stopped, and everything sent has been reported."""
        return self.stopped and self.under_way == 0


def unlimited(request: Prepared) -> Assignment:
    """A load without a harness: plain Locust's own options decide when it ends."""
    assignment = Assignment([request])
    assignment.grant(0, UNLIMITED)
    return assignment
