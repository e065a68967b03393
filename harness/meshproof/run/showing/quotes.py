"""The lines of manifests that a verdict is about, as they were read: no file is opened again, for it may have changed.

A quote is the value that begins at a place, written as YAML: what stands there, without comments, and without
credentials.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence

from meshproof.border.expectation import Arm, Expectation
from meshproof.border.verdict import Outcome, Verdict
from meshproof.errors import Location
from meshproof.manifest import Resource
from meshproof.manifest.value import Value
from meshproof.report.events import Quote
from meshproof.run.keep import as_yaml
from meshproof.run.prepare import Prepared

MOST_LINES = 30
MOST_QUOTES = 3


class Quoting:
    """The quotes of one scenario's verdicts; its resources are put in order once."""

    def __init__(self, prepared: Prepared) -> None:
        self._plan = prepared.plan
        self._stages = prepared.stages
        self._read: dict[tuple[int, bool], Read] = {}
        self._rows: dict[tuple[int, bool], dict[str, list[Expectation]]] = {}

    def of(self, verdict: Verdict) -> tuple[tuple[Quote, ...], tuple[Quote, ...]]:
        """What was specified, and what is applied where that is another thing."""
        number, plan = verdict.stage, self._plan
        if not 0 <= number < len(plan.stages):
            return (), ()
        specified = self._quoted(number, verdict, applied=False)
        if not plan.applied:
            return specified, ()
        applied = self._quoted(number, verdict, applied=True)
        return specified, () if [one.text for one in applied] == [one.text for one in specified] else applied

    def _quoted(self, number: int, verdict: Verdict, *, applied: bool) -> tuple[Quote, ...]:
        key = (number, applied)
        if key not in self._read:
            stage, plan = self._stages[number], self._plan
            self._read[key] = Read(stage.resources if applied else stage.specified)
            row = self._rows[key] = {}
            for one in plan.applied[number] if applied else plan.stages[number]:
                row.setdefault(str(one.request), []).append(one)
        found = ((place, self._read[key].at(place)) for place in _places(verdict, self._rows[key]))
        return tuple(Quote(str(place), _text(value)) for place, value in found if value is not None)


def _places(verdict: Verdict, row: Mapping[str, Sequence[Expectation]]) -> list[Location]:
    """Where the rules stand that the verdict is about, in the manifests by which `row` was predicted."""
    asked = [verdict.request] if verdict.request else _wrong(verdict)
    found: dict[Location, None] = {}
    for request in asked:
        for one in row.get(request, ()):
            found |= dict.fromkeys(_of(one, verdict))
    return list(found)[:MOST_QUOTES]


def _wrong(verdict: Verdict) -> list[str]:
    """The requests of a table that were not answered as specified."""
    table = verdict.evidence.get("table")
    rows = [one for one in table if isinstance(one, dict)] if isinstance(table, list) else []
    return [str(one.get("request")) for one in rows if one.get("outcome") != Outcome.PASSED]


def _of(one: Expectation, verdict: Verdict) -> Iterator[Location]:
    """The destination's policy where it is judged, else the route, else what stands in its place."""
    if policies := list(_policies(one.arms, verdict)):
        yield from policies
    elif one.route is not None:
        yield one.route
    else:
        yield from (arm.location for arm in one.arms)


def _policies(arms: Iterable[Arm], verdict: Verdict) -> Iterator[Location]:
    for arm in arms:
        policy = arm.policy.pool if "limits" in verdict.evidence else None
        ejection = arm.policy.ejection if "merge_window" in verdict.evidence else None
        for part in (policy, ejection):
            if part is not None and part.location is not None:
                yield part.location


class Read:
    """Resources by where they stand."""

    def __init__(self, resources: Iterable[Resource]) -> None:
        self._files: dict[str, list[Resource]] = {}
        for one in sorted(resources, key=lambda one: one.location):
            self._files.setdefault(one.location.file, []).append(one)

    def at(self, place: Location) -> Value | None:
        """The value that begins at a place; None where none does."""
        several = self._files.get(place.file, [])
        # What stands in for others begins where they are named: it is within their resource.
        for at in range(bisect_right(several, place, key=lambda one: one.location) - 1, -1, -1):
            value: Value | None = several[at].body
            while value is not None and value.location != place:
                before = [one for one in _inner(value) if one.location <= place]
                value = max(before, key=lambda one: one.location, default=None)
            if value is not None:
                return value
        return None


def _inner(value: Value) -> Iterable[Value]:
    if value.is_mapping:
        return value.fields().values()
    return value.items() if isinstance(value.data, tuple) else ()


def _text(value: Value) -> str:
    lines = as_yaml(value).rstrip("\n").split("\n")
    more = len(lines) - MOST_LINES
    return "\n".join([*lines[:MOST_LINES], f"# … {more} more lines"] if more > 1 else lines)
