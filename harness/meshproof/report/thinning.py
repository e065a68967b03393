"""Which progress of a run is kept: enough for every plot, and no more than a few megabytes whatever the load."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import field

from meshproof.border.verdict import Outcome, Verdict
from meshproof.records import dataclass
from meshproof.report.events import CheckFinished, Event, Progress, ScenarioFinished

BUDGET = 4_000_000
# Of a check whose progress is not written as it happens, at most so many points wait for its verdict.
WAITING = 16
PASSED = 6

Key = tuple[str, str, int]


@dataclass(slots=True)
class _Trail:
    waiting: list[Progress] = field(default_factory=list)

    def wait(self, event: Progress) -> None:
        """Keep it; of too many every second one goes, and the last stays: they are as far apart as they came."""
        self.waiting.append(event)
        if len(self.waiting) > WAITING:
            self.waiting = self.waiting[::-2][::-1]


class Thinning:
    """Takes a run's events in order and gives those to write, with progress of about `budget` bytes in all.

    The checks share the budget. Up to half of it progress is written as it happens. After that a check's first
    point is, the others wait: a check that did not pass has up to WAITING of them, right before its verdict, one
    that passed PASSED while a quarter of the budget is left. The first and the last point of a check are always
    written, so the bound is the budget and two points a check (the last not where the verdict, which has the
    same numbers, is as of the same request). Progress of a check without a verdict may be lost: no report shows it.
    """

    def __init__(self, budget: int = BUDGET) -> None:
        self._budget = self._left = budget
        self._trails: dict[str, dict[Key, _Trail]] = {}

    def spend(self, size: int) -> None:
        """So many bytes of progress were written."""
        self._left -= size

    def take(self, event: Event) -> Iterator[Event]:
        """What is to be written now, this event included or not."""
        match event:
            case Progress():
                trails = self._trails.setdefault(event.scenario, {})
                trail = trails.get(key := (event.check, event.request, event.stage))
                if trail is None:
                    trails[key] = _Trail()
                elif trail.waiting or self._left <= self._budget / 2:
                    trail.wait(event)
                    return
            case CheckFinished(verdict):
                trails = self._trails.get(verdict.scenario, {})
                trail = trails.pop((verdict.check, verdict.request, verdict.stage), None)
                yield from self._kept(trail.waiting, verdict) if trail else ()
            case ScenarioFinished():
                self._trails.pop(event.scenario, None)
        yield event

    def _kept(self, waiting: list[Progress], verdict: Verdict) -> list[Progress]:
        if verdict.outcome is not Outcome.PASSED and self._left > 0:
            return waiting
        if self._left > self._budget / 4:
            return waiting[:: -max(1, -(-len(waiting) // PASSED))][::-1]
        return [one for one in waiting[-1:] if one.n != verdict.n or one.arms != verdict.arms]
