"""The generator's side of the wire: what Locust's users are told to send, and when.

Without a harness (plain `locust -f`) there is no wire: users send what --host says without limit.
Nothing here imports Locust or gevent. Locust has patched `threading` and `socket` by the time that
a locustfile imports this module, so threads here are greenlets; the one true thread, which must
outlive a wedged event loop, is started by the function that the locustfile hands in.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from typing import Any

from meshproof.traffic import wire
from meshproof.traffic.generator import prepared
from meshproof.traffic.generator.assignment import Assignment, Ticket, unlimited
from meshproof.traffic.generator.output import Channel, Output
from meshproof.traffic.generator.stdio import open_wire


class Dispatcher:
    """What Locust's users ask for leave to send.

    `growth`: the users of a load come one after another over so many seconds, not all at once;
    `together`: they send only all at once.
    """

    def __init__(self, start_thread: Callable[..., object], *, growth: float = 0.0, together: bool = False) -> None:
        self.role = os.environ.get(wire.DRIVEN, "")
        self.driven = bool(self.role)
        self.growth = growth
        self.together = together
        self.output: Output | None = None
        self._start_thread = start_thread
        self._assignment: Assignment | None = None
        self._more = threading.Event()
        self._environment: Any = None

    def listen(self, events: Any) -> None:
        """Take part in a Locust process; `events` is locust.events."""
        if self.role == wire.MASTER:
            from meshproof.traffic.distributed.master import Master

            Master(self._start_thread, growth=self.growth, together=self.together).listen(events)
        elif self.role == wire.WORKER:
            from meshproof.traffic.distributed.worker import Worker

            Worker(self._start_thread, self).listen(events)
        else:
            if self.driven:
                events.spawning_complete.add_listener(self._spawned)
            events.init.add_listener(self._begun)

    def take(self, count: int = 1, of: Assignment | None = None) -> list[Ticket]:
        """Leave to send `count` requests, waiting until there is credit for all; none when the load `of` has ended."""
        while True:
            assignment = self._assignment
            if of is not None and assignment is not of:
                return []
            if assignment is not None and assignment.allows(count):
                return [assignment.take() for _ in range(count)]
            self._rest()

    def current(self) -> Assignment:
        """The load that is under way, waiting until there is one."""
        while (assignment := self._assignment) is None or assignment.stopped:
            self._rest()
        return assignment

    def over(self, ticket: Ticket) -> None:
        """A request has been reported: say what the harness may be waiting to hear."""
        assignment = ticket.assignment
        assignment.answered(ticket)
        if self.output is not None and (assignment.stopped or assignment.stage != ticket.stage):
            self._settle(assignment)

    @property
    def users(self) -> int:
        """How many users there are to be in the end, or are now when Locust alone decides."""
        if self.driven:
            return self._assignment.users if self._assignment is not None else 1
        return int(self._environment.runner.user_count) or 1

    def _begun(self, environment: Any, **_: Any) -> None:
        self._environment = environment
        if self.driven:
            # A configuration file of the person's own may set an end to Locust's runs.
            environment.parsed_options.run_time = None
            return
        if not environment.host:
            sys.exit("say with --host what to send to, as in --host http://127.0.0.1:8080/hello")
        try:
            self._assignment = unlimited(prepared.plain(environment.host))
        except ValueError as error:
            sys.exit(str(error))

    def _spawned(self, **_: Any) -> None:
        if self.output is None:
            self.output = Output(open_wire(self._start_thread, self.obey))
            self.output.say({"ready": {"together": self.together}})

    def attach(self, environment: Any, channel: Channel) -> None:
        """Report to this channel; its other end has the users come and go."""
        self._environment = environment
        self.output = Output(channel)

    def obey(self, message: Any) -> None:
        """Act on a message of the wire; raises KeyError, ValueError, TypeError, IndexError."""
        if "start" in message:
            self._begin(Assignment.read(message["start"]))
            return
        assignment = self._assignment
        if assignment is None:
            raise ValueError("there is no load")
        for index, total in message.get("grant", {}).items():
            assignment.grant(int(index), int(total))
        if "stage" in message:
            assignment.announce(int(message["stage"]))
        if "limit_users" in message:
            assignment.limit_users = int(message["limit_users"])
        if message.get("stop"):
            assignment.stopped = True
        if message.get("recall") and self.output is not None:
            self.output.say({"returned": assignment.recall()})
        self._settle(assignment)
        self._wake()

    def _begin(self, assignment: Assignment) -> None:
        if self._assignment is not None:
            raise ValueError("a load is under way")
        assert self.output is not None
        if self.role != wire.WORKER:
            self._gather(assignment)
        self._assignment = assignment
        self.output.say({"begun": assignment.began_at})

    def _gather(self, assignment: Assignment) -> None:
        present = self._environment.runner.user_count
        if self.growth:
            # The users of the load before are still there, at rest.
            self._populate(1, present, wait=True)
            self._populate(assignment.users, assignment.users / self.growth, wait=False)
        else:
            self._populate(assignment.users, max(assignment.users, present), wait=True)

    def _populate(self, users: int, rate: float, *, wait: bool) -> None:
        runner = self._environment.runner
        runner.start(users, rate)
        if wait and runner.spawning_greenlet is not None:
            runner.spawning_greenlet.join()

    def _settle(self, assignment: Assignment) -> None:
        assert self.output is not None
        stage = assignment.settled()
        if stage is not None:
            self.output.say({"staged": stage})
        if assignment.over and assignment is self._assignment:
            self._assignment = None
            self.output.say({"done": {"sent": assignment.sent, "observed": assignment.observed}})
            self._wake()

    def _rest(self) -> None:
        # Nothing will be sent until the harness speaks, and it may speak only when it has heard all.
        if self.output is not None:
            self.output.flush()
        self._more.wait()

    def _wake(self) -> None:
        waiting, self._more = self._more, threading.Event()
        waiting.set()
