"""What is to be said on a line of a file."""

from __future__ import annotations

from collections.abc import Iterator

from meshproof.border.verdict import Outcome, Verdict
from meshproof.errors import Location
from meshproof.records import dataclass
from meshproof.redaction.credentials import redact
from meshproof.report.place import mentioned, parsed, place
from meshproof.report.record import Record
from meshproof.report.wording import line

WRONG = (Outcome.ERROR, Outcome.FAILED, Outcome.INCONCLUSIVE)


@dataclass(frozen=True, slots=True)
class Remark:
    """`place` None: it is about no line; `outcome` None: a notice. `title` is one line, `text` may be several."""

    title: str
    text: str
    place: Location | None = None
    outcome: Outcome | None = None


def remarks(record: Record) -> Iterator[Remark]:
    """What does not pass, then what broke, what was skipped, and the notices; each once."""
    several = [*_verdicts(record), *_others(record)]
    yield from dict.fromkeys(several)


def _verdicts(record: Record) -> Iterator[Remark]:
    for verdict in record.verdicts:
        if verdict.outcome in WRONG:
            yield Remark(title(verdict), _clean(verdict.reason), place(verdict), verdict.outcome)


def _others(record: Record) -> Iterator[Remark]:
    for error in record.errors:
        yield Remark("meshproof broke", _clean(error.message), mentioned(error.message), Outcome.ERROR)
    for name, scenario in record.scenarios.items():
        finished = scenario.finished
        if finished and finished.outcome is Outcome.SKIPPED and not scenario.verdicts:
            yield Remark(f"{line(name)} skipped", _clean(finished.reason), None, Outcome.SKIPPED)
    for notice in record.notices:
        yield Remark("notice", _clean(notice.message), parsed(notice.location))


def title(verdict: Verdict) -> str:
    """A verdict's name: the intent's, or the check's with its request."""
    named = verdict.evidence.get("intent") or verdict.request
    return line(_clean(f"{verdict.check} {verdict.outcome.value}{f': {named}' if named else ''}"))


def _clean(text: str) -> str:
    return redact(text)
