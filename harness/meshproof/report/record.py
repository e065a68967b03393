"""All of a run's events, gathered into one record for the reports that show a whole run."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import field, replace

from meshproof.border.coverage import Coverage
from meshproof.border.facts.provenance import Provenance
from meshproof.border.verdict import Outcome, Verdict, worst
from meshproof.records import dataclass
from meshproof.report.events import (
    Broke,
    CheckFinished,
    CheckShown,
    ConfigApplied,
    CoverageFound,
    Event,
    FactsFound,
    Interrupted,
    ManifestsKept,
    Noticed,
    Progress,
    ProvenanceFound,
    RunFinished,
    RunStarted,
    ScenarioFinished,
    ScenarioStarted,
    TargetReached,
)

INTERRUPTED = "interrupted"
Key = tuple[str, str, int]


@dataclass(slots=True)
class ScenarioRecord:
    """One scenario; `progress` and `shown` are by (check, request, stage), the former in order."""

    name: str
    started: ScenarioStarted | None = None
    finished: ScenarioFinished | None = None
    kept: list[ManifestsKept] = field(default_factory=list)
    configs: list[ConfigApplied] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)
    progress: dict[Key, list[Progress]] = field(default_factory=dict)
    shown: dict[Key, CheckShown] = field(default_factory=dict)
    broke: bool = False

    def trail(self, verdict: Verdict) -> list[Progress]:
        """The progress of the check that ended in this verdict."""
        return self.progress.get((verdict.check, verdict.request, verdict.stage), [])

    def about(self, verdict: Verdict) -> CheckShown | None:
        """The rules and requests that the verdict is about, where they were kept."""
        return self.shown.get((verdict.check, verdict.request, verdict.stage))

    @property
    def outcome(self) -> Outcome:
        if self.finished is not None:
            return self.finished.outcome
        if self.broke:
            return Outcome.ERROR
        # A scenario that never ended has not passed, whatever the outcomes of its checks until then.
        return worst([Outcome.INCONCLUSIVE, *(verdict.outcome for verdict in self.verdicts)])


@dataclass(slots=True)
class Record:
    """One run. `started` is None only for a log that was cut off before its first line was whole."""

    started: RunStarted | None = None
    finished: RunFinished | None = None
    interrupted: bool = False
    scenarios: dict[str, ScenarioRecord] = field(default_factory=dict)
    notices: list[Noticed] = field(default_factory=list)
    errors: list[Broke] = field(default_factory=list)
    coverage: Coverage | None = None
    provenance: Provenance = field(default_factory=Provenance)
    facts: dict[str, str] = field(default_factory=dict)

    @property
    def verdicts(self) -> list[Verdict]:
        return [verdict for scenario in self.scenarios.values() for verdict in scenario.verdicts]

    @property
    def outcome(self) -> str:
        """An Outcome's value, or `interrupted` for a run that was stopped or killed."""
        if self.interrupted:
            return INTERRUPTED
        if self.errors:
            return Outcome.ERROR.value
        return INTERRUPTED if self.finished is None else self.finished.outcome.value

    @property
    def seconds(self) -> float:
        return self.finished.seconds if self.finished else 0.0

    def add(self, event: Event) -> None:
        match event:
            case RunStarted():
                self.started = event
            case TargetReached():
                if self.started is not None:
                    self.started = replace(self.started, versions={**self.started.versions, **event.versions})
            case FactsFound():
                self.facts |= event.facts
            case CoverageFound():
                self.coverage = event.coverage
            case ProvenanceFound():
                self.provenance = event.provenance
            case Noticed():
                self.notices.append(event)
            case ScenarioStarted():
                self._scenario(event.scenario).started = event
            case ManifestsKept():
                self._scenario(event.scenario).kept.append(event)
            case ConfigApplied():
                self._scenario(event.scenario).configs.append(event)
            case Progress():
                key = (event.check, event.request, event.stage)
                self._scenario(event.scenario).progress.setdefault(key, []).append(event)
            case CheckShown():
                self._scenario(event.scenario).shown[event.check, event.request, event.stage] = event
            case CheckFinished():
                self._scenario(event.verdict.scenario).verdicts.append(event.verdict)
            case ScenarioFinished():
                self._scenario(event.scenario).finished = event
            case Broke():
                self.errors.append(event)
                if event.scenario in self.scenarios:
                    self.scenarios[event.scenario].broke = True
            case Interrupted():
                self.interrupted = True
            case RunFinished():
                self.finished = event

    def _scenario(self, name: str) -> ScenarioRecord:
        return self.scenarios.setdefault(name, ScenarioRecord(name))


def gather(events: Iterable[Event]) -> Record:
    """The record of these events."""
    record = Record()
    for event in events:
        record.add(event)
    return record
