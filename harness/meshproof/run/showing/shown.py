"""What is told of verdicts before they are told: their rules, and examples of their requests."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from meshproof.border.verdict import SEVERITY, Verdict
from meshproof.report.events import CheckShown
from meshproof.run.prepare import Prepared
from meshproof.run.showing.quotes import Quoting
from meshproof.run.showing.sightings import Sightings, answers, examples, latencies, slots
from meshproof.scenario import Trial

# Of a scenario so many checks are shown, those that did not pass before the others: a page has no space for more.
MOST_SHOWN = 300


def shown(
    prepared: Prepared, trials: Sequence[Trial], verdicts: Sequence[Verdict], sightings: Sightings
) -> Iterator[CheckShown]:
    """What is to be told of the verdicts that these trials came to, in the trials' order."""
    requests = tuple(str(one) for one in prepared.load.requests)
    quoting = Quoting(prepared)
    several = sorted(zip(trials, verdicts, strict=True), key=lambda pair: SEVERITY.index(pair[1].outcome))
    for trial, verdict in several[:MOST_SHOWN]:
        own = sightings.of(trial.stage, trial.request)
        specified, applied = quoting.of(verdict)
        width, timeline = slots(own)
        yield CheckShown(
            prepared.name,
            verdict.check,
            verdict.request,
            verdict.stage,
            specified,
            applied,
            answers(own),
            latencies(own),
            width,
            timeline,
            examples(own, requests),
        )
