"""A host's clock compared with the clock of this machine."""

from __future__ import annotations

import re
import time

from meshproof.border.facts.hosts import ClockFacts
from meshproof.targets.hosts.connection import Connection

READINGS = 3
# The part of the allowed offset below which an uncertainty is good enough.
FINE = 0.2
SOURCES = "for s in chronyd chrony ntpd ntp ntpsec systemd-timesyncd; do systemctl is-active -q $s && echo $s; done"
STATUS = f"timedatectl status 2>/dev/null; echo --; {SOURCES} 2>/dev/null; true"
SYNCHRONISED = re.compile(r"(?:System clock|NTP) synchronized: (yes|no)")


async def reading(connection: Connection) -> tuple[float, float]:
    """Seconds that the host's clock is ahead of ours, and how uncertain that is; the best of a few readings.

    The clock was read at an unknown moment of the exchange, so no other command should run meanwhile.
    """
    readings: list[tuple[float, float]] = []
    for _ in range(READINGS):
        before = time.time()
        # The time that the command takes to start and to end is part of the uncertainty.
        said = await connection.must("date +%s.%N", what="reading the clock")
        after = time.time()
        readings.append(((after - before) / 2, float(said) - (before + after) / 2))
        if readings[-1][0] < connection.entry.expect.clock_offset * FINE:
            break
    uncertainty, offset = min(readings)
    return offset, uncertainty


async def clock(connection: Connection, offset: float, uncertainty: float) -> ClockFacts:
    """The reading, and what synchronises the clock."""
    status, _, services = (await connection.must(STATUS, what="asking for the clock's source")).decode().partition("--")
    matched = SYNCHRONISED.search(status)
    return ClockFacts(matched[1] == "yes" if matched else None, " ".join(services.split()), offset, uncertainty)
