"""A host's clock beside ours."""

from __future__ import annotations

import re
import time

from meshproof.border.host_facts import ClockFacts
from meshproof.target.hosts.connection import Connection

READINGS = 3
SOURCES = "for s in chronyd chrony ntpd ntp ntpsec systemd-timesyncd; do systemctl is-active -q $s && echo $s; done"
STATUS = f"timedatectl status 2>/dev/null; echo --; {SOURCES} 2>/dev/null; true"
SYNCHRONISED = re.compile(r"(?:System clock|NTP) synchronized: (yes|no)")


async def clock(connection: Connection) -> ClockFacts:
    """The best of a few readings: the moment at which it was read lies somewhere within the exchange."""
    readings: list[tuple[float, float]] = []
    for _ in range(READINGS):
        before = time.time()
        # What the command needs to start and to end is part of the uncertainty.
        said = await connection.must("date +%s.%N", what="reading the clock")
        after = time.time()
        readings.append(((after - before) / 2, float(said) - (before + after) / 2))
    uncertainty, offset = min(readings)
    status, _, services = (await connection.must(STATUS, what="asking for the clock's source")).decode().partition("--")
    matched = SYNCHRONISED.search(status)
    return ClockFacts(matched[1] == "yes" if matched else None, " ".join(services.split()), offset, uncertainty)
