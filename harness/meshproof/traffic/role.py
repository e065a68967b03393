"""Which part a Locust process takes: alone, as a master, or as one of its workers.

Locustfiles call `listen`; the harness sets MESHPROOF_DRIVEN to the part.
"""

from __future__ import annotations

from typing import Any

from meshproof.traffic import wire
from meshproof.traffic.distributed.master import Master
from meshproof.traffic.distributed.worker import Worker
from meshproof.traffic.generator.dispatcher import Dispatcher


def listen(dispatcher: Dispatcher, events: Any) -> None:
    """Take part in a Locust process; `events` is locust.events."""
    if dispatcher.role == wire.MASTER:
        Master(dispatcher.original, growth=dispatcher.growth, at_once=dispatcher.at_once).listen(events)
    elif dispatcher.role == wire.WORKER:
        Worker(dispatcher).listen(events)
    else:
        dispatcher.listen(events)
