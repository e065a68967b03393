"""The profiles of a certificate: of each what passed, what did not, and what was skipped for which reason.

The names of the fields are those of a ProfileReport of Gateway API (conformance/apis/v1), whose statistics begin with
a capital; what it has no field for stands beside them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from meshproof.border.facts.provenance import Profile
from meshproof.border.verdict import Outcome
from meshproof.records import dataclass
from meshproof.report.record import Record, ScenarioRecord
from meshproof.report.wording import plural

REST = "scenarios"
SUCCESS, PARTIAL, FAILURE = "success", "partial", "failure"
SETTLED = (Outcome.PASSED, Outcome.SKIPPED)
NOT_DRIVEN = "the run ended before it was driven"


@dataclass(frozen=True, slots=True)
class Test:
    """One scenario: how it ended, and why it was skipped or did not end."""

    name: str
    outcome: Outcome
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Level:
    """The core tests of a profile, or its extended ones."""

    tests: tuple[Test, ...]

    def of(self, *outcomes: Outcome) -> tuple[Test, ...]:
        return tuple(one for one in self.tests if one.outcome in outcomes)

    @property
    def result(self) -> str:
        """`failure` where anything failed, broke or stayed inconclusive, `partial` where anything was skipped."""
        if self.of(Outcome.FAILED, Outcome.ERROR, Outcome.INCONCLUSIVE):
            return FAILURE
        return PARTIAL if self.of(Outcome.SKIPPED) else SUCCESS


@dataclass(frozen=True, slots=True)
class Report:
    """A profile as it ended."""

    profile: Profile
    core: Level
    extended: Level

    @property
    def summary(self) -> str:
        parts = [_summary("core", self.core), _summary("extended", self.extended)]
        return "; ".join(part for part in parts if part) or "nothing was tested"


def reports(record: Record) -> tuple[Report, ...]:
    """The profiles in their order; scenarios that stand in none are core ones of a last profile."""
    known = record.provenance.profiles
    named = {name for one in known for name in (*one.core, *one.extended)}
    rest = tuple(name for name in record.scenarios if name not in named)
    several = (*known, *([Profile(REST, rest)] if rest else []))
    return tuple(Report(one, _level(record, one.core), _level(record, one.extended)) for one in several)


def _level(record: Record, names: Sequence[str]) -> Level:
    return Level(tuple(_test(name, record.scenarios.get(name)) for name in names))


def _test(name: str, scenario: ScenarioRecord | None) -> Test:
    if scenario is None:
        return Test(name, Outcome.ERROR, NOT_DRIVEN)
    reason = scenario.finished.reason if scenario.finished else ""
    reason = reason or next((one.reason for one in scenario.verdicts if one.outcome not in SETTLED), "")
    return Test(name, scenario.outcome, reason)


def _summary(name: str, level: Level) -> str:
    if not level.tests:
        return ""
    passed = len(level.of(Outcome.PASSED))
    others = [
        f"{len(level.of(one))} {one.value}"
        for one in (Outcome.FAILED, Outcome.ERROR, Outcome.INCONCLUSIVE, Outcome.SKIPPED)
        if level.of(one)
    ]
    return ", ".join([f"{passed} of {plural(len(level.tests), f'{name} test')} passed", *others])


def document(report: Report, offers: Sequence[str]) -> dict[str, Any]:
    """The profile as plain data; `extended` only where there is any of it."""
    found = {"name": report.profile.name, "summary": report.summary, "core": _tests(report, report.core, offers)}
    if report.extended.tests:
        found["extended"] = _tests(report, report.extended, offers)
    return found


def _tests(report: Report, level: Level, offers: Sequence[str]) -> dict[str, Any]:
    needed = sorted({name for test in level.tests for name in report.profile.features.get(test.name, ())})
    lists = {
        "passedTests": (Outcome.PASSED,),
        "failedTests": (Outcome.FAILED,),
        "inconclusiveTests": (Outcome.INCONCLUSIVE,),
        "brokenTests": (Outcome.ERROR,),
        "skippedTests": (Outcome.SKIPPED,),
    }
    return {
        "result": level.result,
        "statistics": {
            "Passed": len(level.of(Outcome.PASSED)),
            "Failed": len(level.of(Outcome.FAILED)),
            "Inconclusive": len(level.of(Outcome.INCONCLUSIVE)),
            "Broken": len(level.of(Outcome.ERROR)),
            "Skipped": len(level.of(Outcome.SKIPPED)),
        },
        "supportedFeatures": [one for one in needed if one in offers],
        "unsupportedFeatures": [one for one in needed if one not in offers],
        **{name: [test.name for test in level.of(*outcomes)] for name, outcomes in lists.items()},
        "reasons": dict(_reasons(level)),
    }


def _reasons(level: Level) -> Iterator[tuple[str, str]]:
    for test in level.tests:
        if test.reason:
            yield test.name, test.reason
