"""How a load of each shape is paced, which generator sends it, and over how many workers."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from meshproof.run.pacing.balance import balance
from meshproof.run.pacing.breaker import breaker
from meshproof.run.pacing.failover import failover
from meshproof.run.pacing.flow import flow
from meshproof.run.pacing.traffic import Traffic
from meshproof.run.pacing.warmup import warmup
from meshproof.traffic.command import ONE_PROCESS

Pacing = Callable[[Traffic], Coroutine[Any, Any, None]]

PACINGS: dict[str, Pacing] = {
    "balance": balance,
    "barrier": breaker,
    "ejection": breaker,
    "failover": failover,
    "warmup": warmup,
}
GENERATORS = dict.fromkeys(PACINGS, "steady")


def pacing(shape: str) -> Pacing:
    """What drives a load of that shape; most of them simply flow."""
    return PACINGS.get(shape, flow)


def generator_shape(shape: str) -> str:
    """The shape of the generator that sends a load of that shape."""
    return GENERATORS.get(shape, shape)


def spread(shape: str, clients: int, workers: int) -> int:
    """Over how many workers a load of that shape and for so many clients is spread; 0: one process sends it all.

    A load that is for several clients has a worker for each, whatever a person asks for. Of others one process sends
    those in which it counts which request goes before which: where requests are paced one by one, and where they
    are sent all at once.
    """
    if clients > 1:
        return clients
    return 0 if shape in PACINGS or shape in ONE_PROCESS else workers
