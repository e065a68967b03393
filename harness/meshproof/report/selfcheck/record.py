"""What a self-check found: of each mutant whether the checks failed it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from enum import StrEnum

from meshproof.border.facts.provenance import Digest
from meshproof.border.verdict import Outcome, worst
from meshproof.records import dataclass


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

    `location` is `file:line:col`, and `part` names the object there, with the rule, subset or server of it that is
    changed; `scenario` is the folder of somebody's own manifests; `stage` the stage whose manifests it changes;
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
    part: str = ""

    @property
    def counts(self) -> bool:
        """Whether a check has to fail it."""
        return self.status not in (MutantStatus.EQUIVALENT, MutantStatus.REFUSED)


@dataclass(frozen=True, slots=True)
class Unmutated:
    """A scenario run as it is: unless it passes, failing its mutants proves nothing."""

    scenario: str
    outcome: Outcome
    checks: tuple[str, ...] = ()
    reason: str = ""
    seconds: float = 0.0


def combined(name: str, several: Sequence[Unmutated]) -> Unmutated:
    """The loads of one verification as one, under its own name."""
    return Unmutated(
        name,
        worst([one.outcome for one in several]),
        tuple(dict.fromkeys(check for one in several for check in one.checks)),
        "; ".join(one.reason for one in several if one.reason),
        sum(one.seconds for one in several),
    )


@dataclass(frozen=True, slots=True)
class SelfCheckRecord:
    """A whole self-check; `found` is the number of mutants that it was sampled from.

    `own` names somebody's own manifests, where it is these that were made wrong, and `manifests` are their files.
    """

    unmutated: tuple[Unmutated, ...]
    mutants: tuple[Judged, ...]
    seconds: float = 0.0
    found: int = 0
    options: Mapping[str, object] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    own: str = ""
    manifests: tuple[Digest, ...] = ()

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
