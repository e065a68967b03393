"""The pictures that fit a check, each for a wide and for a narrow page."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from markupsafe import Markup

from meshproof.border.verdict import Verdict
from meshproof.language.words import Words
from meshproof.records import dataclass
from meshproof.report.html.pictures import ejections, latency, ledger, steps
from meshproof.report.html.pictures.convergence import convergence
from meshproof.report.record import ScenarioRecord

WIDE, NARROW = 760.0, 380.0

Draw = Callable[[str, float], Markup]


@dataclass(frozen=True, slots=True)
class Picture:
    """The same picture twice; `kind` says what it shows, `lines` about how many lines it takes on paper (0: none)."""

    kind: str
    drawings: tuple[Markup, ...]
    lines: float

    @property
    def size(self) -> int:
        return sum(map(len, self.drawings))


def pictures(id_: str, scenario: ScenarioRecord, verdict: Verdict, words: Words) -> Iterator[Picture]:
    """Those of which the verdict has the numbers, what it was decided by first."""
    shown, trail = scenario.about(verdict), scenario.trail(verdict)
    several: tuple[tuple[str, float, Draw], ...] = (
        ("convergence", 9.0 * len(verdict.arms) + 4, lambda name, at: convergence(name, verdict, trail, at, words)),
        ("steps", 14.0, lambda name, at: steps.timeline(name, verdict, at, words)),
        ("ejections", 14.0, lambda name, at: ejections.timeline(name, verdict, shown, at, words)),
        ("ledger", 8.0, lambda name, at: ledger.ledger(name, verdict, at, words)),
        ("latency", 0.0, lambda name, at: latency.histogram(name, verdict, shown, at, words)),
    )
    for kind, lines, draw in several:
        drawings = [draw(f"{id_}-{kind}-{width:g}", width) for width in (WIDE, NARROW)]
        if all(drawings):
            yield Picture(kind, tuple(drawings), lines)
