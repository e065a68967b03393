"""One load as its master carries it out."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from typing import Any

from meshproof.traffic.distributed.credit import Shares


class LoadInProgress:
    """One load under way: its credit, and the workers whose messages are still to come."""

    def __init__(self, start: Mapping[str, Any], workers: int) -> None:
        self.users = int(start["users"])
        self.users_within = float(start["users_within"])
        self.shares = Shares(len(start["requests"]), workers)
        self.zero = time.perf_counter()
        self.zero_at = time.time()
        self.stage = 0
        self.stopped = False
        self.sent = [0] * len(start["requests"])
        self.observed = 0
        self.passed_on = 0
        self.beginning = set(range(workers))
        self.begun = threading.Event()
        self.staging: set[int] = set()
        self.finishing = set(range(workers))
