"""A Locust worker: it carries its share of each load out, as its master says in Locust's custom messages."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from meshproof.traffic import wire
from meshproof.traffic.generator.stdio import refuse

if TYPE_CHECKING:
    from meshproof.traffic.generator.dispatcher import Dispatcher


class Worker:
    """Made while Locust loads its locustfile: it waits there to be told where its master is.

    Locust reads its options after that.
    """

    def __init__(self, start_thread: Callable[..., object], dispatcher: Dispatcher) -> None:
        self._conductor = dispatcher
        self._place = told()
        os.environ["LOCUST_MASTER_NODE_HOST"] = str(self._place["host"])
        os.environ["LOCUST_MASTER_NODE_PORT"] = str(self._place["port"])
        self._runner: Any = None
        start_thread(outlive_nobody, ())

    def listen(self, events: Any) -> None:
        """Take part in a Locust process; `events` is locust.events."""
        events.init.add_listener(self._begun)

    def lines(self, data: bytes, count: int) -> None:
        """Report `count` observations."""
        self._runner.send_message(wire.MESSAGE, {"lines": data, "count": count})

    def message(self, message: Mapping[str, Any]) -> None:
        self._runner.send_message(wire.MESSAGE, dict(message))

    def _begun(self, environment: Any, **_: Any) -> None:
        self._runner = environment.runner
        self._runner.register_message(wire.MESSAGE, self._hear)
        self._conductor.attach(environment, self)
        self.message({"hello": self._place["token"], "worker": self._place["worker"]})

    def _hear(self, msg: Any, **_: Any) -> None:
        if "start" in msg.data:
            # Locust's own end on SIGTERM takes its time; the harness wants it gone.
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
        try:
            self._conductor.obey(msg.data)
        except (ValueError, KeyError, TypeError, IndexError) as error:
            refuse(msg.data, error)


def told() -> dict[str, Any]:
    """The first line of standard input; the end of this process when there is none."""
    line = b""
    while not line.endswith(b"\n"):
        # Byte by byte: what follows is not for this function.
        byte = os.read(0, 1)
        if not byte:
            os._exit(0)
        line += byte
    place: dict[str, Any] = json.loads(line)
    return place


def outlive_nobody() -> None:
    """End this process when standard input closes: its master is gone then."""
    while os.read(0, 1 << 10):
        pass
    os._exit(0)
