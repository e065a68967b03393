"""The pacing of a circuit breaker: first the limits of its connection pool, then its outlier detection.

In this order it is seen that what a limit refuses ejects no host. A trial that asks for neither gets no traffic.
"""

from __future__ import annotations

from meshproof.run.pacing.barrier import barrier
from meshproof.run.pacing.ejection import ejection
from meshproof.run.pacing.traffic import Traffic


async def breaker(traffic: Traffic) -> None:
    """Drive what the trials ask for."""
    await barrier(traffic)
    await ejection(traffic)
