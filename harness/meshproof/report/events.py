"""What happens in a run, as typed events in the order in which they happen.

The engine emits events and knows none of their readers; each way to show a run is one Handler. All
events of a run stand in its events.ndjson, and every report can be made from that file alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field
from typing import Any, Protocol

from meshproof.border.coverage import Coverage
from meshproof.border.facts.provenance import Digest, Provenance
from meshproof.border.verdict import ArmResult, Outcome, RunOutcome, Verdict
from meshproof.records import dataclass


@dataclass(frozen=True, slots=True)
class RunStarted:
    """The first event; `started_at` is ISO 8601 in UTC.

    `versions` are those of meshproof and of every part that decides a verdict (envoy, locust,
    python …); `options` hold alpha, beta, tolerance, seed and max_requests; `command` is the argv
    that repeats the run.
    """

    run_id: str
    started_at: str
    target: str
    versions: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    scenarios: tuple[str, ...] = ()
    command: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CoverageFound:
    """How much of a person's own manifests the run can prove, and on what the rest depends."""

    coverage: Coverage


@dataclass(frozen=True, slots=True)
class ProvenanceFound:
    """What the run is made of: the files that were read, their commit, the machine, and what is to be shown."""

    provenance: Provenance


@dataclass(frozen=True, slots=True)
class TargetReached:
    """The target is up, and more is known of it: versions that add to those of RunStarted, or replace them."""

    versions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FactsFound:
    """What was seen of the target: kernels, kube-proxy's mode, images, by name."""

    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Noticed:
    """Something that a reader should know and that is no failure, such as a kind that is not read.

    `location` is `file:line:column`, empty when it concerns no manifest.
    """

    scenario: str
    location: str
    message: str


@dataclass(frozen=True, slots=True)
class ScenarioStarted:
    scenario: str
    description: str
    manifests: tuple[str, ...] = ()
    requests: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ManifestsKept:
    """What a stage puts in force, and what it specifies, as files of the run's folder without credentials."""

    scenario: str
    stage: int
    applied: Digest
    specified: Digest


@dataclass(frozen=True, slots=True)
class ConfigApplied:
    """All proxies acknowledged the configuration of a stage, `seconds` after it was pushed."""

    scenario: str
    stage: int
    seconds: float
    version: str


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a check stands after `n` of at most `limit` requests (0: no cap), `at` seconds into the load."""

    scenario: str
    check: str
    request: str
    stage: int
    n: int
    limit: int
    arms: tuple[ArmResult, ...]
    at: float


@dataclass(frozen=True, slots=True)
class Quote:
    """Lines of a manifest as they were read: the part that begins at `location` (`file:line:column`)."""

    location: str
    text: str


@dataclass(frozen=True, slots=True)
class Example:
    """One request as its client saw it: sent `started` seconds into the load, `latency` in seconds.

    `answered_by` is a workload or a pod, empty where a proxy answered; `status` is 0 where nobody did, and `error`
    then says why.
    """

    id: str
    request: str
    started: float
    latency: float
    status: int
    answered_by: str = ""
    error: str = ""
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Slot:
    """So many requests were sent within a slot of time: answered by a workload, and not."""

    at: float
    answered: int
    otherwise: int


@dataclass(frozen=True, slots=True)
class CheckShown:
    """What a check's verdict is about: the rules in question, and what clients saw of its requests.

    `applied` is empty where that is what was `specified`. `answers` counts by kind of answer; `latencies` are
    (upper bound in seconds, number) in growing order; `slots` are of `slot` seconds each; `examples` show each kind
    of answer, the rarest first. It comes before the CheckFinished, and not for every check of a very long run.
    """

    scenario: str
    check: str
    request: str
    stage: int
    specified: tuple[Quote, ...] = ()
    applied: tuple[Quote, ...] = ()
    answers: Mapping[str, int] = field(default_factory=dict)
    latencies: tuple[tuple[float, int], ...] = ()
    slot: float = 0.0
    slots: tuple[Slot, ...] = ()
    examples: tuple[Example, ...] = ()


@dataclass(frozen=True, slots=True)
class CheckFinished:
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class ScenarioFinished:
    """`phases` says where the time went, in seconds by name; `reason` why a scenario was skipped."""

    scenario: str
    outcome: Outcome
    seconds: float
    phases: Mapping[str, float] = field(default_factory=dict)
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Broke:
    """The harness or its target broke; `scenario` is empty outside of any.

    `detail` is the end of a log or a traceback.
    """

    scenario: str
    message: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Interrupted:
    """A person or a signal ended the run before its verdicts were in."""


@dataclass(frozen=True, slots=True)
class RunFinished:
    """The last event."""

    outcome: RunOutcome
    seconds: float
    exit_code: int


Event = (
    RunStarted
    | CoverageFound
    | ProvenanceFound
    | TargetReached
    | FactsFound
    | Noticed
    | ScenarioStarted
    | ManifestsKept
    | ConfigApplied
    | Progress
    | CheckShown
    | CheckFinished
    | ScenarioFinished
    | Broke
    | Interrupted
    | RunFinished
)

Emit = Callable[[Event], None]


class Handler(Protocol):
    """One reader of a run's events. `close` is called once, whatever happened, and ends what was begun."""

    def handle(self, event: Event) -> None: ...

    def close(self) -> None: ...
