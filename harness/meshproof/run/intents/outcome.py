"""What became of intents, by prediction and proof."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import field, replace

from meshproof.border.intents.intent import Case
from meshproof.border.verdict import Outcome, Verdict, worst
from meshproof.judge.intents.decided import Decided
from meshproof.records import dataclass
from meshproof.report.events import CheckFinished, Event
from meshproof.run.intents.predicted import Predicted

NEVER = "Never"
NO_VERDICT = "it was predicted, and the run ended before anything was proved"


@dataclass(slots=True)
class Verdicts:
    """A Handler that keeps the verdicts about intents."""

    found: list[Verdict] = field(default_factory=list)

    def handle(self, event: Event) -> None:
        if isinstance(event, CheckFinished) and "number" in event.verdict.evidence:
            self.found.append(event.verdict)

    def close(self) -> None: ...


def by_prediction(predicted: Predicted) -> tuple[tuple[Case, Verdict], ...]:
    """The verdict of each case where nothing is proved."""
    return tuple((case, _named(case, Decided(case).judge(None))) for case in predicted.cases)


def by_proof(predicted: Predicted, verdicts: Iterable[Verdict]) -> tuple[tuple[Case, Verdict], ...]:
    """One verdict for each case: the worst of all about it."""
    known: dict[tuple[object, ...], list[Verdict]] = {}
    for one in verdicts:
        known.setdefault(_key(one, one.check), []).append(one)
    return tuple((case, _of(case, known)) for case in predicted.cases)


def _of(case: Case, known: dict[tuple[object, ...], list[Verdict]]) -> Verdict:
    plain = Decided(case).judge(None)
    several = known.get(_key(plain, Decided(case).name), [])
    if not several:
        return _named(case, replace(plain, outcome=Outcome.ERROR, reason=NO_VERDICT))
    outcome = worst([one.outcome for one in several])
    first = next(one for one in several if one.outcome is outcome)
    return _named(case, replace(first, n=sum(one.n for one in several)))


def _key(verdict: Verdict, check: str) -> tuple[object, ...]:
    said = verdict.evidence
    # A promise has one case, whoever breaks or keeps it. A request is not known by its words, since those of a verdict
    # are without credentials.
    return (said["number"],) if check == NEVER else (said["number"], said["place"], said["from"])


def _named(case: Case, verdict: Verdict) -> Verdict:
    return replace(verdict, scenario="intents", check=Decided(case).name)


def outcomes(several: Sequence[tuple[Case, Verdict]]) -> Iterator[Outcome]:
    """The outcome of each intent: the worst of its requests."""
    found: dict[int, list[Outcome]] = {}
    for case, verdict in several:
        found.setdefault(case.number, []).append(verdict.outcome)
    yield from (worst(one) for one in found.values())
