"""One promise for a whole verification: its error rates hold for all of its loads at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from meshproof.run.prepare import Prepared
from meshproof.scenario import Drawing


def drawn(loads: Iterable[Prepared]) -> int:
    """How many drawn shares the checks of these loads decide."""
    return sum(check.drawn(load.plan) for load in loads for check in load.checks if isinstance(check, Drawing))


def sharing(loads: Sequence[Prepared | None]) -> list[Prepared | None]:
    """The same loads, with α divided among the drawn shares of all of them (Bonferroni)."""
    total = drawn(load for load in loads if load)
    return [replace(load, plan=replace(load.plan, drawn=total)) if load else None for load in loads]
