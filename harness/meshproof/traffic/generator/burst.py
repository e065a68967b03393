"""Users that send at the same moment."""

from __future__ import annotations

import threading

from meshproof.traffic.generator.assignment import Assignment, Ticket
from meshproof.traffic.generator.dispatcher import Dispatcher
from meshproof.traffic.generator.session import Session

RECOUNT_SECONDS = 1.0


class Burst:
    """All users of a load arrive, get their tickets at once, connect, and send; then they wait for each other again.

    A burst is as large as the load has users: with less credit than that it waits for more. Under
    Locust all of this is greenlets, so no lock is needed.
    """

    def __init__(self, dispatcher: Dispatcher) -> None:
        self.dispatcher = dispatcher
        self._arrived: list[threading.Event] = []
        self._tickets: list[Ticket] = []
        self._connecting = 0
        self._under_way = 0
        self._taking = False
        self._connected = threading.Event()
        self._ended = threading.Event()
        self._ended.set()

    def send(self, session: Session) -> None:
        """Take part in one burst; returns without having sent when the load ends before it."""
        self._ended.wait()
        self._gather(self.dispatcher.current())
        if not self._tickets:
            return
        ticket = self._tickets.pop()
        try:
            client = session.client(ticket)
            client.connect_ahead()
            self._connecting -= 1
            if self._connecting == 0:
                self._connected.set()
            self._connected.wait()
            session.send(ticket)
        finally:
            self._under_way -= 1
            if self._under_way == 0:
                self._ended.set()

    def _gather(self, assignment: Assignment) -> None:
        released = threading.Event()
        self._arrived.append(released)
        try:
            while not released.is_set():
                if len(self._arrived) >= self.dispatcher.users and not self._taking:
                    self._take(assignment)
                else:
                    # Plain Locust may take users away: then fewer are to be waited for.
                    released.wait(RECOUNT_SECONDS)
        except BaseException:
            # Locust has ended this user while it waited.
            if released in self._arrived:
                self._arrived.remove(released)
            raise

    def _take(self, assignment: Assignment) -> None:
        self._taking = True
        try:
            self._release(self.dispatcher.take(len(self._arrived), assignment))
        finally:
            self._taking = False

    def _release(self, tickets: list[Ticket]) -> None:
        waiting, self._arrived = self._arrived, []
        self._tickets = tickets
        if tickets:
            self._connecting = self._under_way = len(tickets)
            self._connected.clear()
            self._ended.clear()
        for event in waiting:
            event.set()
