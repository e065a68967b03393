"""What a certificate says in one word, and why it does not say more: its gaps."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum

from meshproof.border.verdict import Outcome
from meshproof.language.words import ENGLISH, Words
from meshproof.records import dataclass
from meshproof.report.headline.profiles import Report, reports
from meshproof.report.record import INTERRUPTED, Record
from meshproof.report.wording import plural

# Of a gap in the one sentence; it stands whole among the gaps.
LONGEST = 200


class Headline(StrEnum):
    """Certified: all of it is proved. With gaps: all core features are, and what is not is named. Else neither."""

    CERTIFIED = "certified"
    WITH_GAPS = "certified with gaps"
    NOT = "not certified"


@dataclass(frozen=True, slots=True)
class Gap:
    """Something that is not proved: its subject, where it stands, why, and who allowed that (empty: nobody)."""

    subject: str
    location: str
    why: str
    allowed_by: str = ""


def headline(record: Record) -> Headline:
    """A skipped or undecided core feature is never success, and neither is a failure of any kind."""
    several = reports(record)
    whole = record.outcome == Outcome.PASSED and any(one.core.tests for one in several)
    core = all(len(one.core.of(Outcome.PASSED)) == len(one.core.tests) for one in several)
    extended = not any(one.extended.of(Outcome.FAILED, Outcome.ERROR, Outcome.INCONCLUSIVE) for one in several)
    if not (whole and core and extended):
        return Headline.NOT
    return Headline.WITH_GAPS if any(True for _ in gaps(record)) else Headline.CERTIFIED


def gaps(record: Record) -> Iterator[Gap]:
    """What is not proved, each once: what was skipped, what did not pass, and what a coverage leaves open."""
    for profile in reports(record):
        yield from _untested(profile)
    for verdict in record.verdicts:
        if verdict.outcome is Outcome.SKIPPED:
            yield Gap(f"{verdict.scenario}/{verdict.check}", "", f"not judged: {verdict.reason}")
    if record.outcome == INTERRUPTED:
        yield Gap("run", "", "it was stopped before its end")
    yield from (Gap(error.scenario or "run", "", error.message) for error in record.errors)
    found = record.coverage
    if found is None:
        return
    for one in found.dependences:
        yield Gap(one.subject, str(one.location), one.why, _allowed(record, one.kind) if one.allowed else "")
    for policy in found.unproved:
        why = f"{policy.kind} of {policy.destination}: {policy.why}"
        yield Gap(policy.subject, str(policy.location), why, _allowed(record, policy.kind) if policy.allowed else "")
    yield from (Gap("rule", str(place), f"no request shows it: {why}") for place, why in found.unreached)
    yield from (Gap(request, "", f"no answer to it can be held: {why}") for request, why in found.unanswered)
    for place, number in found.left_out:
        yield Gap("rule", str(place), f"{plural(number, 'probe')} of it were not sent: there are too many")
    if found.named:
        requests = plural(found.requests + len(found.unanswered), "request")
        why = f"nothing of it was asked for but {requests} that a person named"
        yield Gap("folder", "", why, _by(record, "--request"))


def _untested(one: Report) -> Iterator[Gap]:
    for test in (*one.core.tests, *one.extended.tests):
        if test.outcome is not Outcome.PASSED:
            yield Gap(f"{one.profile.name}/{test.name}", "", ": ".join(filter(None, (test.outcome.value, test.reason))))


def _allowed(record: Record, kind: str) -> str:
    return _by(record, f"--allow-unproven {kind}")


def _by(record: Record, option: str) -> str:
    """Who answers for what is not proved: the option that leaves it out, and the person where that is said."""
    person = record.provenance.allowed_by
    return option + (f" ({person})" if person else "")


def sentence(record: Record, words: Words = ENGLISH) -> str:
    """The verdict, how much passed, and what is not proved, in one sentence."""
    several = reports(record)
    passed = sum(len(level.of(Outcome.PASSED)) for one in several for level in (one.core, one.extended))
    tests = sum(len(level.tests) for one in several for level in (one.core, one.extended))
    text = words(
        "{headline}: {passed} of {tests} passed",
        headline=words(headline(record).value),
        passed=passed,
        tests=words.amount(tests, "test"),
    )
    names = words.listed(one.profile.name for one in several)
    if names:
        text += words(" ({profiles}: {names})", profiles=words.amount(len(several), "profile"), names=names)
    open_ones = list(gaps(record))
    if open_ones:
        first = f"{open_ones[0].subject}: {open_ones[0].why}"
        # At a word's end: half a number is another one.
        cut = first[:LONGEST].rpartition(" ")[0] or first[:LONGEST]
        shown = first if len(first) <= LONGEST else f"{cut} …"
        text += words("; {gaps}, first {first}", gaps=words.amount(len(open_ones), "gap"), first=shown)
    if record.provenance.not_asked:
        text += words("; not asked for: {names}", names=words.listed(record.provenance.not_asked))
    return text
