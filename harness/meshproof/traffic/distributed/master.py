"""A Locust master: the harness drives it over the wire, and it has its workers carry the loads out.

It has no users itself. What workers observe it passes on as it is; it decides only who may send how
much (credit.Shares), and when something holds for all workers.
"""

from __future__ import annotations

import secrets
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any

from meshproof.traffic import page, wire
from meshproof.traffic.distributed.load import LoadInProgress
from meshproof.traffic.distributed.registry import WorkerRegistry
from meshproof.traffic.generator.assignment import UNLIMITED
from meshproof.traffic.generator.stdio import Descriptor, Original, open_wire

SPAWN_LOOK_SECONDS = 0.005


class Master:
    """`growth` and `at_once` as the dispatcher has them: see there."""

    def __init__(self, original: Original, *, growth: float, at_once: bool) -> None:
        if at_once:
            sys.exit("a load whose users send all at once cannot be spread over workers")
        self._original = original
        self._growth = growth
        self._registry = WorkerRegistry(secrets.token_hex(16))
        self._harness: Descriptor | None = None
        self._load: LoadInProgress | None = None
        self._runner: Any = None
        self._ready = False
        self._spawning = threading.Lock()

    def listen(self, events: Any) -> None:
        """Take part in a Locust process; `events` is locust.events."""
        events.init.add_listener(self._initialized)
        events.heartbeat_sent.add_listener(self._registry.alive)
        events.spawning_complete.add_listener(self._spawned)

    def _initialized(self, environment: Any, **_: Any) -> None:
        self._runner = runner = environment.runner
        self._harness = open_wire(self._original, self._handle)
        # A configuration file of the person's own may set an end to Locust's runs.
        environment.parsed_options.run_time = None
        page.guard(environment)
        # Should Locust open its port anew, the workers find it where it was.
        runner.master_bind_port = runner.server.port
        runner.register_message(wire.MESSAGE, self._receive)
        self._report({"master": self._registry.address(runner)})
        # Locust goes on when its workers are there, and then looks for them once a second: they are here before.
        self._registry.wait_for_all(environment.parsed_options.expect_workers)

    def _spawned(self, **_: Any) -> None:
        if not self._ready:
            self._ready = True
            self._report({"ready": {"at_once": False, "page": page.address(self._runner.environment)}})

    def _handle(self, message: Any) -> None:
        """Act on a message of the harness."""
        if "start" in message:
            self._begin(message["start"])
            return
        load = self._load
        if load is None:
            raise ValueError("there is no load")
        for index, total in message.get("grant", {}).items():
            load.shares.grant(int(index), int(total))
        if "stage" in message:
            load.stage = int(message["stage"])
            load.staging = set(range(len(self._registry)))
            self._send_all({"stage": load.stage})
        if "limit_users" in message:
            load.shares.limit_users = min(int(message["limit_users"]), UNLIMITED)
            self._recall(load)
        if "only" in message:
            load.shares.only = message["only"]
            self._recall(load)
        if message.get("stop") and not load.stopped:
            load.stopped = True
            self._send_all({"stop": True})
        self._deal(load)

    def _recall(self, load: LoadInProgress) -> None:
        """What workers may send already was dealt under other conditions."""
        for worker in load.shares.recall():
            self._registry.send(worker, {"recall": True})

    def _begin(self, start: Mapping[str, Any]) -> None:
        if self._load is not None:
            raise ValueError("a load is under way")
        self._registry.limit_silence(float(start["silence"]))
        load = self._load = LoadInProgress(start, len(self._registry))
        for worker in range(len(self._registry)):
            # No two workers may give a request the same id.
            own: dict[str, Any] = {"ids": f"{start['ids']}{worker:x}-", "requests": _requests(start, worker)}
            own |= {"zero": load.zero} if self._registry.is_local else {"zero_at": load.zero_at}
            self._registry.send(worker, {"start": {**start, **own, "addresses": ()}})
        self._populate(load, 1 if self._growth else load.users)
        load.begun.wait()
        self._report({"begun": [load.zero_at, load.zero]})
        if self._growth:
            threading.Thread(target=self._grow, args=(load,), daemon=True).start()

    def _populate(self, load: LoadInProgress, users: int) -> None:
        """Have so many users there in all, and know where they are."""
        runner = self._runner
        # A load that ends early may still be growing when the next one begins.
        with self._spawning:
            if runner.user_count != users:
                runner.start(users, max(users, runner.user_count))
                # Locust itself waits for this no longer than a second.
                deadline = time.perf_counter() + load.users_within
                while runner.user_count != users:
                    if time.perf_counter() > deadline:
                        self._registry.abort(
                            f"{runner.user_count} of Locust's {users} users are there after {load.users_within:g} s"
                            f" (of each worker: {', '.join(map(str, self._registry.users()))})"
                        )
                    time.sleep(SPAWN_LOOK_SECONDS)
            load.shares.users = self._registry.users()

    def _grow(self, load: LoadInProgress) -> None:
        for users in range(2, load.users + 1):
            time.sleep(self._growth / load.users)
            if load is not self._load or load.stopped:
                return
            self._populate(load, users)
            # Whoever came first may hold all the credit that there is.
            self._recall(load)
            self._deal(load)

    def _receive(self, msg: Any, **_: Any) -> None:
        """Act on a message of a worker."""
        try:
            if "hello" in msg.data:
                self._registry.joined(msg.node_id, msg.data)
            else:
                self._take(self._registry.alive(msg.node_id), msg.data)
        except (ValueError, KeyError, TypeError, IndexError) as error:
            self._registry.abort(f"cannot act on a worker's message: {str(msg.data)[:200]}: {error!r}")

    def _take(self, worker: int, message: Mapping[str, Any]) -> None:
        load = self._load
        if worker < 0:
            raise ValueError("it is no worker of this master")
        if load is None:
            raise ValueError("there is no load")
        assert self._harness is not None
        if "lines" in message:
            self._harness.lines(message["lines"], message["count"])
            load.passed_on += message["count"]
            load.shares.observed(worker, message["count"])
        elif "returned" in message:
            load.shares.returned(worker, message["returned"])
        elif "begun" in message:
            load.beginning.discard(worker)
            if not load.beginning:
                load.begun.set()
        elif "staged" in message:
            if message["staged"] == load.stage and worker in load.staging:
                load.staging.discard(worker)
                if not load.staging:
                    self._report({"staged": load.stage})
        elif "done" in message:
            self._finish(load, worker, message["done"]["sent"], message["done"]["observed"])
        self._deal(load)

    def _finish(self, load: LoadInProgress, worker: int, sent: Sequence[int], observed: int) -> None:
        load.sent = [one + other for one, other in zip(load.sent, sent, strict=True)]
        load.observed += observed
        load.finishing.discard(worker)
        if not load.finishing:
            if load.observed != load.passed_on:
                raise ValueError(f"workers observed {load.observed} requests and reported {load.passed_on}")
            self._load = None
            self._report({"done": {"sent": load.sent, "observed": load.observed}})

    def _deal(self, load: LoadInProgress) -> None:
        if not load.stopped:
            for worker, totals in load.shares.deal().items():
                self._registry.send(worker, {"grant": totals})

    def _send_all(self, message: Mapping[str, Any]) -> None:
        for worker in range(len(self._registry)):
            self._registry.send(worker, message)

    def _report(self, message: Mapping[str, Any]) -> None:
        assert self._harness is not None
        self._harness.message(message)


def _requests(start: Mapping[str, Any], worker: int) -> list[Mapping[str, Any]]:
    """What is sent, with the addresses that it has for that worker."""
    if not start["addresses"]:
        return list(start["requests"])
    pairs = zip(start["requests"], start["addresses"][worker], strict=True)
    return [{**request, "address": address} for request, address in pairs]
