"""How long a request may take, and whether it was this machine that took longer.

A machine that stood still for half of a limit, or longer, may have been what ended a request in the place of the mesh:
docs/verdicts.md, "A busy machine".
"""

from __future__ import annotations

from meshproof.border.expectation import Expectation
from meshproof.border.grpc import DEADLINE_EXCEEDED, UNAVAILABLE
from meshproof.border.observation import UNANSWERED, Observation

TIMED_OUT = 504
SHARE = 0.5


def first_limit(expectation: Expectation) -> float | None:
    """Seconds that the first try may take; None: without a limit."""
    retries = expectation.retries
    limits = [one for one in (expectation.timeout, retries.per_try_timeout if retries else None) if one]
    return min(limits, default=None)


def by_machine(observation: Observation, expectation: Expectation) -> bool:
    """Whether the end of a request is not judged: its time ran out while this machine stood still for half of it."""
    if not observation.stalled or observation.pod or observation.workload:
        return False
    if not observation.status:
        limit = observation.latency if observation.error.startswith(UNANSWERED) else None
    else:
        limit = first_limit(expectation)
        timed_out = observation.status == TIMED_OUT or observation.grpc_status == DEADLINE_EXCEEDED
        # gRPC is told the same of a 504 as of a 503, which comes without a wait.
        if observation.grpc_status == UNAVAILABLE and limit is not None:
            timed_out = observation.latency >= limit
        limit = limit if timed_out else None
    return limit is not None and observation.stalled >= SHARE * limit
