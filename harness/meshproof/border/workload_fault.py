"""A workload made to misbehave, so that what the mesh does about it can be seen."""

from __future__ import annotations

from meshproof.records import dataclass


@dataclass(frozen=True, slots=True)
class WorkloadFault:
    """How every replica of a Deployment (`name`, or `namespace/name`) misbehaves while the load runs.

    `status` is answered to every request; `hang` leaves requests without any answer until the load
    has ended; `reset` closes the connection; `latency` delays every answer by so many seconds.
    `replicas` is how many of its replicas misbehave, the first ones (None: all); `tries` how many tries
    of each request meet it at one replica (None: all of them), so that a retry can succeed.
    """

    workload: str
    status: int = 0
    hang: bool = False
    reset: bool = False
    latency: float = 0.0
    replicas: int | None = None
    tries: int | None = None
