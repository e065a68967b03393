"""The workers of a Locust master: whether they have joined, are alive, and are those that belong to it."""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import sys
import threading
import time
from collections.abc import Mapping
from typing import Any, NoReturn

from meshproof.traffic import wire

CHECK_SECONDS = 0.1
# Locust's workers give a sign of life once a second.
SHORTEST_TIMEOUT = 2.5
FIRST_TIMEOUT = 30.0
LOCUST_TIMEOUT = 10


class WorkerRegistry:
    """Workers by number.

    A worker is a child of this process, which holds the write end of its standard input: it ends when
    that closes.
    """

    def __init__(self, children: list[tuple[int, int]], token: str) -> None:
        self._timeout = FIRST_TIMEOUT
        self._children = children
        self._token = token
        self._numbers: dict[str, int] = {}
        self._names = [""] * len(children)
        self._silent = [0.0] * len(children)
        self._all_joined = threading.Event()
        self._runner: Any = None

    @classmethod
    def inherited(cls, token: str) -> WorkerRegistry:
        """The workers that were started before this process became Locust (launch.launch)."""
        pairs = (pair.split(":") for pair in os.environ[wire.WORKERS].split(","))
        return cls([(int(pid), int(descriptor)) for pid, descriptor in pairs], token)

    def __len__(self) -> int:
        return len(self._children)

    def wait_for_all(self, runner: Any) -> None:
        """Send the workers the address of their master, and wait until all have joined."""
        self._runner = runner
        for number, (_, descriptor) in enumerate(self._children):
            master = {"host": runner.master_bind_host, "port": runner.server.port, "token": self._token}
            with contextlib.suppress(BrokenPipeError):
                os.write(descriptor, wire.line({**master, "worker": number}))
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

    def kill_all(self) -> None:
        """End all workers, hung ones too."""
        for pid, _ in self._children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def abort(self, why: str) -> NoReturn:
        """End this process and all workers; the harness reads `why` in the log."""
        self.kill_all()
        print(why, file=sys.stderr, flush=True)
        os._exit(1)

    def _watch(self) -> None:
        while True:
            time.sleep(CHECK_SECONDS)
            for number, (pid, _) in enumerate(self._children):
                ended, status = os.waitpid(pid, os.WNOHANG)
                if ended:
                    self.abort(f"{self._named(number)} died (exit code {os.waitstatus_to_exitcode(status)})")
                # Counted in checks, not by a clock: it may have been this process that stood still.
                self._silent[number] += CHECK_SECONDS
                if self._silent[number] > self._timeout:
                    self.abort(f"{self._named(number)} sent nothing for {self._silent[number]:.1f} s")
            for node in self._runner.clients.values():
                # Locust would give a worker up after three seconds, and take its users away.
                node.heartbeat = LOCUST_TIMEOUT

    def _named(self, number: int) -> str:
        return f"Locust worker {number + 1} of {len(self)} (process {self._children[number][0]})"
