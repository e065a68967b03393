"""What a self-check found: of each mutant whether the checks failed it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from meshproof.border.verdict import Outcome


class MutantStatus(StrEnum):
    """The status of a mutant.

    Killed: a check failed it. Survived: none did. Equivalent: it means the same as the original for
    the scenario's requests. Refused: it is no valid configuration, so it never ran. Broke: the
    harness or the mesh broke, which is neither.
    """

    KILLED = "killed"
    SURVIVED = "survived"
    EQUIVALENT = "equivalent"
    REFUSED = "refused"
    BROKE = "broke"


@dataclass(frozen=True, slots=True)
class Judged:
    """One mutant and its status; without a status it has not been run.

    `location` is `file:line:col`; `stage` the stage of the scenario whose manifests it changes;
    `outcome` the worst outcome of its checks; `by` names the checks that failed it; `reason` says
    why: the first failed verdict, the refusal, or the reasons of the survivor's checks.
    """

    scenario: str
    stage: int
    operator: str
    location: str
    what: str
    status: MutantStatus | None = None
    outcome: Outcome | None = None
    by: tuple[str, ...] = ()
    reason: str = ""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Unmutated:
    """A scenario run as it is: unless it passes, failing its mutants proves nothing."""

    scenario: str
    outcome: Outcome
    checks: tuple[str, ...] = ()
    reason: str = ""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class SelfCheckRecord:
    """A whole self-check; `found` is the number of mutants that it was sampled from."""

    unmutated: tuple[Unmutated, ...]
    mutants: tuple[Judged, ...]
    seconds: float = 0.0
    found: int = 0
    options: Mapping[str, object] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)

    def statuses(self, mutants: Iterable[Judged] | None = None) -> Counter[MutantStatus | None]:
        return Counter(one.status for one in (self.mutants if mutants is None else mutants))

    @property
    def broken(self) -> tuple[Unmutated, ...]:
        """The scenarios that do not pass as they are."""
        return tuple(one for one in self.unmutated if one.outcome not in (Outcome.PASSED, Outcome.SKIPPED))

    @property
    def idle_checks(self) -> tuple[tuple[str, str], ...]:
        """Scenario and name of every check that failed none of the mutants that ran."""
        by = {(one.scenario, check) for one in self.mutants for check in one.by}
        ran = {one.scenario for one in self.mutants if one.status in (MutantStatus.KILLED, MutantStatus.SURVIVED)}
        return tuple(
            (one.scenario, check)
            for one in self.unmutated
            if one.scenario in ran
            for check in dict.fromkeys(one.checks)
            if (one.scenario, check) not in by
        )

    @property
    def exit_code(self) -> int:
        """0 when every mutant that ran was killed, 1 when one survived, 3 when something broke, 5 when none ran."""
        statuses = self.statuses()
        if statuses[MutantStatus.BROKE] or any(one.outcome is Outcome.ERROR for one in self.broken):
            return 3
        if statuses[MutantStatus.SURVIVED] or self.broken:
            return 1
        return 0 if statuses[MutantStatus.KILLED] else 5
