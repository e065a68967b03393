"""The workers of a Locust master: whether they have joined, are alive, and are those that belong to it."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Mapping
from typing import Any, NoReturn

from meshproof.traffic import wire
from meshproof.traffic.abort import abort
from meshproof.traffic.command import LOOPBACK

CHECK_SECONDS = 0.1
# Locust's workers give a sign of life once a second.
SHORTEST_TIMEOUT = 2.5
FIRST_TIMEOUT = 30.0
LOCUST_TIMEOUT = 10


class WorkerRegistry:
    """Workers by number, as they say it themselves; `token` is what they have to show.

    Their processes belong to the harness, which sees at once when one ends: here it is seen when one falls silent.
    """

    def __init__(self, token: str) -> None:
        self._timeout = FIRST_TIMEOUT
        self._token = token
        self._numbers: dict[str, int] = {}
        self._names: list[str] = []
        self._silent: list[float] = []
        self._all_joined = threading.Event()
        self._runner: Any = None

    def __len__(self) -> int:
        return len(self._names)

    @property
    def is_local(self) -> bool:
        """Whether all workers are on this machine."""
        return bool(self._runner.master_bind_host == LOOPBACK)

    def address(self, runner: Any) -> dict[str, Any]:
        """Where workers find this master, and the token that they have to show."""
        self._runner = runner
        return {"host": runner.master_bind_host, "port": runner.server.port, "token": self._token}

    def wait_for_all(self, count: int) -> None:
        """Wait until so many workers have joined."""
        self._names, self._silent = [""] * count, [0.0] * count
        threading.Thread(target=self._watch, daemon=True).start()
        self._all_joined.wait()

    def joined(self, name: str, hello: Mapping[str, Any]) -> None:
        """A worker has joined; raises ValueError for one of another master."""
        number = int(hello["worker"])
        if not secrets.compare_digest(hello["hello"], self._token) or self._names[number]:
            raise ValueError("it is no worker of this master")
        self._names[number] = name
        self._numbers[name] = number
        if all(self._names):
            self._all_joined.set()

    def alive(self, client_id: str, **_: Any) -> int:
        """A sign of life has come; the worker's number, -1 for one of another master."""
        worker = self._numbers.get(client_id, -1)
        if worker >= 0:
            self._silent[worker] = 0.0
        return worker

    def limit_silence(self, timeout: float) -> None:
        """From now on a worker that gives no sign of life for so many seconds ends everything."""
        self._timeout = max(timeout, SHORTEST_TIMEOUT)
        self._silent = [0.0] * len(self)

    def users(self) -> list[int]:
        """How many users each worker has."""
        clients = self._runner.clients
        if unknown := set(clients) - set(self._numbers):
            self.abort(f"another Locust worker has joined at this port: {', '.join(unknown)}")
        return [clients[name].user_count for name in self._names]

    def send(self, worker: int, message: Mapping[str, Any]) -> None:
        self._runner.send_message(wire.MESSAGE, dict(message), client_id=self._names[worker])

    def abort(self, why: str) -> NoReturn:
        """End this process; the harness reads `why` in the log, and ends the workers."""
        abort(why)

    def _watch(self) -> None:
        while True:
            time.sleep(CHECK_SECONDS)
            for number in range(len(self)):
                # Counted in checks, not by a clock: it may have been this process that stood still.
                self._silent[number] += CHECK_SECONDS
                if self._silent[number] > self._timeout:
                    silent = f"sent nothing for {self._silent[number]:.1f} s"
                    self.abort(f"Locust worker {number + 1} of {len(self)} {silent}")
            for node in self._runner.clients.values():
                # Locust would give a worker up after three seconds, and take its users away.
                node.heartbeat = LOCUST_TIMEOUT
