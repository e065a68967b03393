"""Calls of several messages that a proxy ends: a timeout begins when the client has sent its last one."""

from __future__ import annotations

from meshproof.border.expectation import Expectation
from meshproof.border.grpc import DEADLINE_EXCEEDED, UNAVAILABLE
from meshproof.border.observation import Observation
from meshproof.border.prescription import SERVER, stream
from meshproof.judge.timing import EARLY

RESET = "stream reset"


def is_ended(one: Observation) -> bool:
    """Whether a proxy has ended the call: the stream, or before anything came from the pod."""
    unbegun = not (one.error or one.workload) and one.grpc_status in (UNAVAILABLE, DEADLINE_EXCEEDED)
    return unbegun or one.error.startswith(RESET)


def limit(expectation: Expectation) -> float | None:
    """Seconds after which the route's timeout ends the call; None where it does not."""
    said, timeout = stream(expectation.request), expectation.timeout
    ends = said is not None and said.sender == SERVER and timeout is not None and timeout < said.seconds
    return timeout if ends else None


def is_specified(one: Observation, expectation: Expectation) -> bool:
    """Whether it was ended when the route's timeout is to end it."""
    over = limit(expectation)
    return over is not None and is_ended(one) and one.latency >= over - EARLY
