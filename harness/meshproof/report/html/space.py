"""How much a page may hold, and how much of it is printed: what is left over stays in report.json."""

from __future__ import annotations

import math

from meshproof.border.verdict import Verdict
from meshproof.records import dataclass

PAGE_BYTES = 1_850_000
# What each check takes of them in any case: its line with the group around it, and the beginning of a reason.
LINE_BYTES, REASON_BYTES, ERROR_BYTES = 460, 140, 300
LEAST_BYTES = 170_000
# How plots, whole checks, texts and errors share the rest.
PARTS = (0.35, 0.3, 0.25, 0.1)
# Ten pages of A4 have about 50 lines each; figures and tables that are not broken leave some of them empty.
PAPER_LINES, FIRST_LINES = 400, 125
LINE_LETTERS = 90


@dataclass(slots=True)
class Space:
    """A limited number of bytes or lines; `left` is math.inf where there is no limit."""

    left: float

    def take(self, size: float) -> bool:
        """Whether there is so much left; it is taken then."""
        if size > self.left:
            return False
        self.left -= size
        return True


@dataclass(slots=True)
class Spaces:
    """Bytes for plots, whole checks, reasons and other texts, and what broke; lines on paper."""

    plots: Space
    checks: Space
    texts: Space
    errors: Space
    paper: Space


def spaces(checks: int, reasons: int, errors: int, *, full: bool) -> Spaces:
    """The space on a page of so many checks, of which so many show `reasons`; none of it is limited for `full`."""
    if full:
        return Spaces(*(Space(math.inf) for _ in range(5)))
    taken = checks * LINE_BYTES + reasons * REASON_BYTES + errors * ERROR_BYTES
    rest = max(PAGE_BYTES - taken, LEAST_BYTES)
    plots, whole, texts, broken = (Space(rest * part) for part in PARTS)
    return Spaces(plots, whole, texts, broken, Space(PAPER_LINES - FIRST_LINES))


def printed_lines(verdict: Verdict, pictures: float) -> float:
    """About how many lines a whole check takes on paper, with `pictures` of so many lines and its evidence closed."""
    arms = len(verdict.arms)
    table = 2.5 * arms + 2 if arms else 0
    # A check is not broken over two pages: what it leaves empty of one counts too.
    return 1.4 * (6 + text_lines(verdict.request) + text_lines(verdict.reason) + table + pictures)


def text_lines(text: str) -> float:
    return sum(1 + len(row) // LINE_LETTERS for row in text.splitlines())
