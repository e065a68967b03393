"""The Locust users of one process: how many a load has, and how they come."""

from __future__ import annotations

from typing import Any


class Users:
    """`growth` is over how many seconds a load's users come one after another; 0: all of them at once."""

    def __init__(self, growth: float) -> None:
        self._growth = growth
        self.environment: Any = None
        """Locust's, once there is one."""

    @property
    def present(self) -> int:
        """How many there are now."""
        return int(self.environment.runner.user_count)

    def spawn(self, users: int) -> None:
        """Have so many; returns when all of them are there, or the first of those that come one after another."""
        present = self.present
        if self._growth:
            # The users of the load before are still there, at rest.
            self._start(1, present, wait=True)
            self._start(users, users / self._growth, wait=False)
        else:
            self._start(users, max(users, present), wait=True)

    def _start(self, users: int, rate: float, *, wait: bool) -> None:
        runner = self.environment.runner
        runner.start(users, rate)
        if wait and runner.spawning_greenlet is not None:
            runner.spawning_greenlet.join()
