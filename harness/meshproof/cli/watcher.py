"""A self-check as a person watches it, on standard error."""

from __future__ import annotations

from dataclasses import field
from typing import TextIO

from meshproof.records import dataclass
from meshproof.report.selfcheck.record import Judged, MutantStatus, Unmutated
from meshproof.report.selfcheck.show import progress

SHOWN = (MutantStatus.SURVIVED, MutantStatus.BROKE)
CLEAR = "\r\x1b[K"


@dataclass(slots=True)
class Watcher:
    """Keeps what is found; prints each mutant that no check failed at once, and on a terminal counts all.

    `total` is the number of mutants that will run.
    """

    stream: TextIO
    total: int
    judged: list[Judged] = field(default_factory=list)
    unmutated: list[Unmutated] = field(default_factory=list)
    _ran: int = 0

    def report(self, one: Judged | Unmutated) -> None:
        if isinstance(one, Unmutated):
            self.unmutated.append(one)
            return
        self.judged.append(one)
        self._ran += one.status in (MutantStatus.KILLED, *SHOWN)
        if one.status in SHOWN:
            self._write(f"{progress(one)}\n")
        if self.stream.isatty():
            self._write(f"{self._ran}/{self.total} mutants")

    def close(self) -> None:
        """Clear the count."""
        self._write("")

    def _write(self, text: str) -> None:
        self.stream.write(f"{CLEAR}{text}" if self.stream.isatty() else text)
        self.stream.flush()
