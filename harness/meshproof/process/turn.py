"""For how long a process has waited for its turn, because others were on the processor."""

from __future__ import annotations

import contextlib
from pathlib import Path

NANOSECONDS = 1e9


def waited(pid: int) -> float:
    """Seconds in all for which its first thread wanted to run and did not; 0 where the system does not tell."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        return int(Path(f"/proc/{pid}/schedstat").read_text().split()[1]) / NANOSECONDS
    return 0.0
