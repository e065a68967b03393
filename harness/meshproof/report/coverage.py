"""How much of a folder a run proved, in one sentence: what is said first in every report."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from meshproof.border.coverage import Dependence, Unproved
from meshproof.border.verdict import Outcome
from meshproof.errors import Location
from meshproof.language.words import ENGLISH, Words
from meshproof.records import dataclass
from meshproof.report.record import Record

NAMED = 3
ROUTING = frozenset(
    {
        *("Service", "ServiceEntry", "WorkloadEntry", "VirtualService", "DestinationRule", "Gateway", "Sidecar"),
        *("HTTPRoute", "GRPCRoute", "TCPRoute", "TLSRoute", "ReferenceGrant", "ListenerSet", "BackendTLSPolicy"),
    }
)


@dataclass(frozen=True, slots=True)
class Share:
    """So many of a kind were proved."""

    what: str
    proved: int
    of: int

    def told(self, words: Words = ENGLISH) -> str:
        return words("{proved} of {all}", proved=f"{self.proved:,}", all=words.amount(self.of, self.what))


def shares(record: Record) -> tuple[Share, ...]:
    """The rules and requests that were proved, of how many; none without a coverage, or of a broken run."""
    found = record.coverage
    if found is None:
        return ()
    passed = set(_passed(record))
    depending = {rule for one in found.dependences if not one.allowed for rule in one.rules}
    depending |= {place for place, _ in found.left_out}
    wrong = {row["rule"] for row in _rows(record) if row["outcome"] != Outcome.PASSED}
    rules = sum(
        _is_proved(requests, rule, passed, depending) and str(rule) not in wrong for rule, requests in found.rules
    )
    several = [Share("rule", rules, len(found.rules))] if found.rules else []
    requests = {request for _, own in found.rules for request in own} | set(found.unruled)
    asked = found.requests + len(found.unanswered)
    several.append(Share("request", len(passed & requests) if requests else len(passed), asked))
    return tuple(several)


def objects(record: Record) -> dict[str, int] | None:
    """How many `objects` are understood in whole, `of` how many.

    None of a run with named requests: what they do not meet was not asked for, and may be understood or not.
    """
    found = record.coverage
    if found is None or found.named:
        return None
    open_ones = {one.subject for one in found.dependences}
    return {"objects": found.objects - len(open_ones), "of": found.objects}


def _is_proved(requests: tuple[str, ...], rule: Location, passed: set[str], depending: set[Location]) -> bool:
    return bool(requests) and rule not in depending and passed.issuperset(requests)


def _passed(record: Record) -> Iterator[str]:
    """The requests of which every check passed, those that a check holds in a table included."""
    outcomes: dict[str, bool] = {}
    for verdict in record.verdicts:
        for request in [verdict.request] if verdict.request else ():
            outcomes[request] = outcomes.get(request, True) and verdict.outcome is Outcome.PASSED
    wrong = {row["request"] for row in _rows(record) if row["outcome"] != Outcome.PASSED}
    return (request for request, passed in outcomes.items() if passed and request not in wrong)


def _rows(record: Record) -> Iterator[Mapping[str, str]]:
    """The rows of all tables of verdicts."""
    for verdict in record.verdicts:
        table = verdict.evidence.get("table")
        yield from (row for row in table if isinstance(row, Mapping)) if isinstance(table, list) else ()


def sentence(record: Record, words: Words = ENGLISH) -> str:
    """`proved 41 of 44 rules, 60 of 63 requests; 80 of 82 objects understood; …`; empty without a coverage."""
    found = record.coverage
    if found is None:
        return ""
    text = words("proved {shares}", shares=words.listed(one.told(words) for one in shares(record)))
    if told := objects(record):
        every = words.amount(told["of"], "object")
        text += words("; {n} of {all} understood", n=f"{told['objects']:,}", all=every)
    open_ones: list[Dependence | Unproved] = [one for one in found.dependences if not one.allowed]
    open_ones += [one for one in found.unproved if not one.allowed]
    if open_ones:
        text += words("; the rest depends on {named}", named=_named(_names(open_ones, words), words))
    allowed: list[Dependence | Unproved] = [one for one in found.dependences if one.allowed]
    allowed += [one for one in found.unproved if one.allowed]
    if allowed:
        text += words(
            "; allowed to be unproven: {named}", named=_named((_allowed(one, words) for one in allowed), words)
        )
    return text


def acceptable(record: Record) -> tuple[str, ...]:
    """The kinds of objects that a person could well name as those that need not be proved.

    Not those that routing is made of; and policies have their own words for what would prove them.
    """
    found = record.coverage
    if found is None:
        return ()
    kinds = {one.kind for one in found.dependences if not one.allowed and not one.refused}
    return tuple(sorted(kinds - ROUTING))


def _named(several: Iterable[str], words: Words) -> str:
    """The first of several names, each once, and how many more there are."""
    names = list(dict.fromkeys(several))
    more = words(" and {n} more", n=len(names) - NAMED) if len(names) > NAMED else ""
    return words.listed(names[:NAMED]) + more


def _names(several: Iterable[Dependence | Unproved], words: Words) -> Iterator[str]:
    """Each subject with the first of its places."""
    places: dict[str, dict[Location, None]] = {}
    for one in several:
        places.setdefault(one.subject, {})[one.location] = None
    for subject, (first, *others) in places.items():
        more = words(" and {n} more", n=len(others)) if others else ""
        yield f"{subject} ({first}{more})"


def _allowed(one: Dependence | Unproved, words: Words) -> str:
    """What a person named, and where it stands: `EnvoyFilter a/b (…)`, `retries of VirtualService a/b (…)`."""
    return (
        _name(one) if one.subject.startswith(one.kind) else words("{kind} of {where}", kind=one.kind, where=_name(one))
    )


def _name(one: Dependence | Unproved) -> str:
    return f"{one.subject} ({one.location})"
