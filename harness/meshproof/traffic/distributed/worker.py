"""A Locust worker: it carries its share of each load out, by its master's custom messages."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Mapping
from typing import Any

from meshproof.traffic import wire
from meshproof.traffic.generator.dispatcher import Dispatcher
from meshproof.traffic.generator.stdio import end_with_input, refuse


class Worker:
    """Made while Locust loads its locustfile: it waits there for the line that says where its master is.

    Locust reads its options after that.
    """

    def __init__(self, dispatcher: Dispatcher) -> None:
        self._dispatcher = dispatcher
        self._master = read_master()
        os.environ["LOCUST_MASTER_NODE_HOST"] = str(self._master["host"])
        os.environ["LOCUST_MASTER_NODE_PORT"] = str(self._master["port"])
        self._runner: Any = None
        # Its master is gone when standard input closes.
        end_with_input(dispatcher.original)

    def listen(self, events: Any) -> None:
        """Take part in a Locust process; `events` is locust.events."""
        events.init.add_listener(self._initialized)

    def lines(self, data: bytes, count: int) -> None:
        """Report `count` observations."""
        self._runner.send_message(wire.MESSAGE, {"lines": data, "count": count})

    def message(self, message: Mapping[str, Any]) -> None:
        self._runner.send_message(wire.MESSAGE, dict(message))

    def _initialized(self, environment: Any, **_: Any) -> None:
        self._runner = environment.runner
        self._runner.register_message(wire.MESSAGE, self._receive)
        self._dispatcher.attach(environment, self)
        self.message({"hello": self._master["token"], "worker": self._master["worker"]})

    def _receive(self, msg: Any, **_: Any) -> None:
        if "start" in msg.data:
            # Locust's own end on SIGTERM takes its time; the harness wants it gone.
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
        try:
            self._dispatcher.handle(msg.data)
        except (ValueError, KeyError, TypeError, IndexError) as error:
            refuse(msg.data, error)


def read_master() -> dict[str, Any]:
    """Where the master is, from the first line of standard input; ends this process when there is none."""
    line = b""
    while not line.endswith(b"\n"):
        # Byte by byte: what follows is not for this function.
        byte = os.read(0, 1)
        if not byte:
            os._exit(0)
        line += byte
    master: dict[str, Any] = json.loads(line)
    return master
