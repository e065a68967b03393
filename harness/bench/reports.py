"""How large the reports of a run are, and how long they take, with 30, 300 and 3,000 checks; nothing is asserted.

The processor's time is measured, of this process alone; each check had the same number of requests.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from meshproof.report.log import EventLog
from meshproof.report.run_folder import EVENTS, HTML, JSON, JUNIT, rebuild
from table import Row, show

# The runs are those that the tests of the reports make.
sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "report"))
from large_run import large_run

CHECKS = (30, 300, 3000)
MEGABYTE = 1e6
REQUESTS = 334


@dataclass(frozen=True, slots=True)
class Measured:
    """The sizes of a run's files in MB, and seconds of the processor to log it and to make its reports."""

    sizes: dict[str, float]
    logged: float
    rebuilt: float


def seconds(action: Callable[[], object]) -> float:
    began = time.process_time()
    action()
    return time.process_time() - began


def one_run(checks: int, requests: int, folder: Path) -> Measured:
    """A run with a failure in each hundred checks."""
    events = list(large_run(checks, failed=tuple(range(7, checks, 100)), requests=requests))
    log = EventLog(folder / EVENTS)

    def write() -> None:
        for event in events:
            log.handle(event)
        log.close()

    logged, rebuilt = seconds(write), seconds(lambda: rebuild(folder))
    return Measured(
        {name: (folder / name).stat().st_size / MEGABYTE for name in (EVENTS, HTML, JSON, JUNIT)}, logged, rebuilt
    )


def measure(requests: int) -> Sequence[Row]:
    found = {}
    for checks in CHECKS:
        with tempfile.TemporaryDirectory() as name:
            found[checks] = one_run(checks, requests, Path(name))
    rows = []
    for checks, one in found.items():
        rows.append(Row(f"{checks:,} checks: the event log is written", one.logged, "s"))
        rows.append(Row("  reports made from it", one.rebuilt, "s", 5.0))
        aims = {HTML: 2.0, EVENTS: 10.0}
        rows += [Row(f"  {name}", size, "MB", aims.get(name)) for name, size in one.sizes.items()]
    least, most = found[CHECKS[0]], found[CHECKS[-1]]
    growth = f"{CHECKS[-1] // CHECKS[0]} times the checks"
    rows.append(Row(f"{growth}: time of the reports", most.rebuilt / least.rebuilt, "x"))
    rows += [Row(f"{growth}: {name}", most.sizes[name] / size, "x") for name, size in least.sizes.items()]
    return rows


def main(words: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=REQUESTS, help="of each check (0: without progress)")
    requests = parser.parse_args(words).requests
    show(f"reports: {requests:,} requests of each check", measure(requests))


if __name__ == "__main__":
    main()
