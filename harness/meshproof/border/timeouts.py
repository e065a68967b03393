"""Every wait of the harness, in seconds, in one place."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Upper bounds in seconds; each is named in the error that its end raises."""

    envoy_ready: float = 15.0
    config_acknowledged: float = 10.0
    workload_ready: float = 15.0
    workload_answer: float = 5.0
    locust_ready: float = 30.0
    locust_silent: float = 20.0
    process_exit: float = 3.0
    admin_answer: float = 5.0
    at_rest: float = 20.0
    barrier: float = 10.0
