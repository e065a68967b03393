"""What a person may set for a run."""

from __future__ import annotations

from dataclasses import field

from meshproof.border.timeouts import Timeouts
from meshproof.border.verdict import Precision
from meshproof.records import dataclass
from meshproof.traffic.locust import Page

WINDOW = 100
# What a master deals to its workers goes by messages, of which each costs as much as several requests.
WINDOWS_A_WORKER = 4


@dataclass(frozen=True, slots=True)
class Options:
    """`window` is how many requests one process may be ahead of what has been judged; `workers` is how many
    processes a load is spread over, 0: it is not. `locust_page` is told the shape and the address of each Locust's web
    page; None: there are none.
    """

    precision: Precision = field(default_factory=Precision)
    seed: int = 0
    window: int = WINDOW
    timeouts: Timeouts = field(default_factory=Timeouts)
    workers: int = 0
    locust_page: Page | None = None

    def ahead(self, workers: int) -> int:
        """How many requests a generator of so many workers may be ahead of what has been judged."""
        return self.window * max(1, WINDOWS_A_WORKER * workers)
