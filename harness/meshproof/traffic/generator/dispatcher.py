"""Which request each of Locust's users sends next, and when, by the harness's messages.

Without a harness (plain `locust -f`) there are no messages: users send the request that --host names, without limit.
Nothing here imports Locust or gevent. Locust has patched `threading` and `socket` by the time that
a locustfile imports this module, so threads here are greenlets; the one true thread, which must
outlive a blocked event loop, is started by what the locustfile hands in.
"""

from __future__ import annotations

import os
import sys
import threading
from typing import Any

from meshproof.traffic import page, wire
from meshproof.traffic.generator import prepared
from meshproof.traffic.generator.assignment import Assignment, Ticket, unlimited
from meshproof.traffic.generator.output import FLUSH_LINES_OF_WORKER, FLUSH_SECONDS_OF_WORKER, Channel, Output
from meshproof.traffic.generator.stdio import Original, open_wire
from meshproof.traffic.generator.users import Users

EXAMPLE = "http://127.0.0.1:8080/hello"


class Dispatcher:
    """Gives Locust's users tickets, each for one request, as far as the credit goes.

    `growth`: the users of a load come one after another over so many seconds, not all at once;
    `at_once`: they send only all at once.
    """

    def __init__(self, original: Original, *, growth: float = 0.0, at_once: bool = False) -> None:
        self.role = os.environ.get(wire.DRIVEN, "")
        self.driven = bool(self.role)
        self.growth = growth
        self.at_once = at_once
        self.original = original
        self.output: Output | None = None
        self._assignment: Assignment | None = None
        self._more = threading.Event()
        self._users = Users(growth)

    def listen(self, events: Any) -> None:
        """Take part in a Locust process that has neither a master nor workers; `events` is locust.events."""
        if self.driven:
            events.spawning_complete.add_listener(self._spawned)
        else:
            events.test_start.add_listener(self._begin_alone)
        events.init.add_listener(self._initialized)

    def take(self, count: int = 1, of: Assignment | None = None) -> list[Ticket]:
        """Tickets for `count` requests, waiting until there is credit for all; none when the load `of` has ended."""
        while True:
            assignment = self._assignment
            if of is not None and assignment is not of:
                return []
            if assignment is not None and assignment.allows(count):
                return [assignment.take() for _ in range(count)]
            self._wait()

    def current(self) -> Assignment:
        """The load that is under way, waiting until there is one."""
        while (assignment := self._assignment) is None or assignment.stopped:
            self._wait()
        return assignment

    def over(self, ticket: Ticket) -> None:
        """A request has been reported: send the messages that were waiting for it."""
        assignment = ticket.assignment
        assignment.answered(ticket)
        if self.output is not None and (assignment.stopped or assignment.stage != ticket.stage):
            self._settle(assignment)

    @property
    def users(self) -> int:
        """How many users there are to be in the end, or are now when Locust alone decides."""
        if self.driven:
            return self._assignment.users if self._assignment is not None else 1
        return self._users.present or 1

    def attach(self, environment: Any, channel: Channel) -> None:
        """Report to this channel, as a worker does; what is at its other end spawns the users."""
        self._users.environment = environment
        self.output = Output(channel, FLUSH_SECONDS_OF_WORKER, FLUSH_LINES_OF_WORKER)

    def handle(self, message: Any) -> None:
        """Act on a message of the harness or the master; raises KeyError, ValueError, TypeError, IndexError."""
        if "start" in message:
            self._begin(Assignment.read(message["start"]), float(message["start"]["users_within"]))
            return
        assignment = self._assignment
        if assignment is None:
            raise ValueError("there is no load")
        for index, total in message.get("grant", {}).items():
            assignment.grant(int(index), int(total))
        if "stage" in message:
            assignment.enter(int(message["stage"]))
        if "limit_users" in message:
            assignment.limit_users = int(message["limit_users"])
        if message.get("stop"):
            assignment.stopped = True
        if message.get("recall") and self.output is not None:
            self.output.message({"returned": assignment.recall()})
        self._settle(assignment)
        self._wake()

    def _initialized(self, environment: Any, **_: Any) -> None:
        self._users.environment = environment
        if self.driven:
            # A configuration file of the person's own may set an end to Locust's runs.
            environment.parsed_options.run_time = None
            page.guard(environment)
            return
        options = environment.parsed_options
        spread = options.worker or options.master
        if spread and self.at_once:
            sys.exit("bursts are sent by one process: workers cannot wait for each other so exactly")
        # A worker gets it from its master, and in Locust's web page a person may type it.
        if not environment.host and options.headless and not options.worker:
            sys.exit(f"name what to send to, as in --host {EXAMPLE}")
        try:
            prepared.plain(environment.host or EXAMPLE)
        except ValueError as error:
            sys.exit(str(error))

    def _begin_alone(self, environment: Any, **_: Any) -> None:
        """Plain Locust begins a run, with the host of its options, its master or its web page; raises ValueError."""
        self._assignment = unlimited(prepared.plain(environment.host or ""))
        self._wake()

    def _spawned(self, **_: Any) -> None:
        if self.output is None:
            self.output = Output(open_wire(self.original, self.handle))
            self.output.message({"ready": {"at_once": self.at_once, "page": page.address(self._users.environment)}})

    def _begin(self, assignment: Assignment, users_within: float) -> None:
        if self._assignment is not None:
            raise ValueError("a load is under way")
        assert self.output is not None
        if self.role != wire.WORKER:
            self._users.spawn(assignment.users, users_within)
        self._assignment = assignment
        self.output.message({"begun": [assignment.began_at, assignment.began]})

    def _settle(self, assignment: Assignment) -> None:
        assert self.output is not None
        stage = assignment.settled()
        if stage is not None:
            self.output.message({"staged": stage})
        if assignment.over and assignment is self._assignment:
            self._assignment = None
            self.output.message({"done": {"sent": assignment.sent, "observed": assignment.observed}})
            self._wake()

    def _wait(self) -> None:
        # Nothing will be sent until the harness sends a message, and it may do so only when it has all reports.
        if self.output is not None:
            self.output.flush()
        self._more.wait()

    def _wake(self) -> None:
        waiting, self._more = self._more, threading.Event()
        waiting.set()
