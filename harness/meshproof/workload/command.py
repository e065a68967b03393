"""The command lines of workload processes."""

from __future__ import annotations

import os
import sys

from meshproof.border.timeouts import Timeouts
from meshproof.fork_server.client import Launch

PROGRAM = (sys.executable, "-P", "-m", "meshproof.workload")


def environment() -> dict[str, str]:
    """That of a workload: the harness' own SERVICE_VERSION is not the workload's."""
    return {name: value for name, value in os.environ.items() if name != "SERVICE_VERSION"}


def fork_server(timeouts: Timeouts) -> Launch:
    """What forks workload processes."""
    argv = (*PROGRAM, "fork-server")
    return Launch("fork server of workloads", argv, environment(), timeouts.workload_ready, timeouts.process_exit)
