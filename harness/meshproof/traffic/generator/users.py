"""The Locust users of one process: how many a load has, and how they come."""

from __future__ import annotations

from typing import Any

from meshproof.traffic.abort import abort


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

    def spawn(self, users: int, within: float) -> None:
        """Have so many; returns when all of them are there, or the first of those that come one after another.

        What has to be there by then and is not after `within` seconds ends this process.
        """
        present = self.present
        if self._growth:
            # The users of the load before are still there, at rest.
            self._start(1, present, within)
            self._start(users, users / self._growth)
        else:
            self._start(users, max(users, present), within)

    def _start(self, users: int, rate: float, within: float = 0.0) -> None:
        runner = self.environment.runner
        runner.start(users, rate)
        if not within or runner.spawning_greenlet is None:
            return
        runner.spawning_greenlet.join(within)
        if not runner.spawning_greenlet.ready():
            abort(f"{self.present} of Locust's {users} users are there after {within:g} s")
