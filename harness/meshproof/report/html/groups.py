"""The checks of a run by what they are about: a rule of the manifests at its place, or a scenario."""

from __future__ import annotations

import re
from collections.abc import Iterable

from meshproof.border.verdict import SEVERITY, Outcome, Verdict, worst
from meshproof.records import dataclass
from meshproof.report.record import Record

# Under which names the evidence of a check holds the place that it is about.
PLACES = ("location", "rule", "limits")
_PLACE = re.compile(r"(.+):\d+:\d+")


@dataclass(frozen=True, slots=True)
class Group:
    """`name` is a rule's `file:line:column`, or a scenario's with an empty `file`; the worst check comes first."""

    name: str
    file: str
    outcome: Outcome
    verdicts: tuple[Verdict, ...]


def groups(record: Record) -> list[Group]:
    """All checks, each in one group: the worst groups first, those that are alike in the order of the run."""
    rules = {} if record.coverage is None else _rules(record)
    found: dict[tuple[str, str], list[Verdict]] = {}
    for verdict in record.verdicts:
        place = _place(verdict, rules) if record.coverage is not None else ""
        file = _PLACE.fullmatch(place)
        key = (file[1], place) if file else ("", verdict.scenario)
        found.setdefault(key, []).append(verdict)
    made = [
        Group(name, file, worst([one.outcome for one in own]), tuple(sorted(own, key=_rank)))
        for (file, name), own in found.items()
    ]
    return sorted(made, key=_rank)


def by_file(several: Iterable[Group]) -> dict[str, list[Group]]:
    """The groups of each file in the order of the run, those of scenarios under the empty name."""
    found: dict[str, list[Group]] = {}
    for one in several:
        found.setdefault(one.file, []).append(one)
    return found


def _rank(one: Group | Verdict) -> int:
    return SEVERITY.index(one.outcome)


def _rules(record: Record) -> dict[str, str]:
    """The place of the first rule that each request shows."""
    assert record.coverage is not None
    return {request: str(rule) for rule, requests in reversed(record.coverage.rules) for request in requests}


def _place(verdict: Verdict, rules: dict[str, str]) -> str:
    """The place that a check is about: its request's rule, what its evidence names, or a rule out of reach."""
    named = [rules.get(verdict.request), *(verdict.evidence.get(name) for name in PLACES), verdict.request]
    return next((one for one in named if isinstance(one, str) and _PLACE.fullmatch(one)), "")
