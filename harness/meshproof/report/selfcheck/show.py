"""A self-check for people and for programs."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator

from meshproof.language.words import ENGLISH, Words
from meshproof.redaction.credentials import redact_all
from meshproof.report.codec import plain
from meshproof.report.selfcheck.record import Judged, MutantStatus, SelfCheckRecord
from meshproof.report.wording import duration, line

# Since 2 a mutant has a `status`; 1 called it `fate`.
SCHEMA_VERSION = 2
REASON = 300
ORDER = (MutantStatus.KILLED, MutantStatus.SURVIVED, MutantStatus.BROKE, MutantStatus.EQUIVALENT, MutantStatus.REFUSED)


def listing(mutants: Iterable[Judged]) -> Iterator[str]:
    """The mutants before any has run, one on a line."""
    for one in mutants:
        status = f"  ({one.status.value}: {_short(one.reason)})" if one.status else ""
        yield f"{line(one.part or one.scenario)}  {one.operator}  {line(one.what)}  {line(one.location)}{status}"


def table(record: SelfCheckRecord, words: Words = ENGLISH) -> Iterator[str]:
    """Scenarios with their operators (somebody's own folder with its rules), what is not as it should be, the score."""
    names = dict.fromkeys(one.scenario for one in record.mutants)
    keys = {one: line(one.part) if record.own else one.operator for one in record.mutants}
    width = max(map(len, keys.values()), default=0)
    for name in names:
        own = [one for one in record.mutants if one.scenario == name]
        yield f"{line(name)}  {_tally(record.statuses(own))}"
        for key in sorted({keys[one] for one in own}) if record.own else dict.fromkeys(keys[one] for one in own):
            yield f"  {key:<{width}}  {_tally(record.statuses([one for one in own if keys[one] == key]))}"
    yield from _unlike(record)
    # A sample need not have a mutant for each check.
    for scenario, check in record.idle_checks if not (record.own and record.found > len(record.mutants)) else ():
        yield f"note  {line(scenario)}: {line(check)} was never the check that failed a mutant"
    yield score(record, words)
    if record.own:
        yield worth(record, words)


def worth(record: SelfCheckRecord, words: Words = ENGLISH) -> str:
    """What a green verdict on somebody's own manifests says of the mutants that ran."""
    statuses = record.statuses()
    missed = statuses[MutantStatus.SURVIVED]
    ran = missed + statuses[MutantStatus.KILLED]
    if not ran:
        return words("nothing was made wrong that shows what a green verdict on {own} is worth", own=line(record.own))
    if record.broken:
        return words("{own} does not pass as it is: make `meshproof verify` green first", own=line(record.own))
    wrong, own = words.amount(ran, "wrong manifest"), line(record.own)
    if not missed:
        return words("a green verdict on {own} misses none of {wrong}", own=own, wrong=wrong)
    return words("a green verdict on {own} would have missed {n} of {wrong}", own=own, n=missed, wrong=wrong)


def score(record: SelfCheckRecord, words: Words = ENGLISH) -> str:
    """`43 of 43 mutants killed (100 %) in 33.1 s, 5 equivalent, 2 refused`."""
    statuses = record.statuses()
    killed, ran = (
        statuses[MutantStatus.KILLED],
        statuses[MutantStatus.KILLED] + statuses[MutantStatus.SURVIVED] + statuses[MutantStatus.BROKE],
    )
    rate = f" ({killed / ran * 100:.4g} %)" if ran else ""
    others = "".join(
        words(", ") + words("{n} {outcome}", n=statuses[one], outcome=words.outcome(one.value))
        for one in ORDER[1:]
        if statuses[one]
    )
    known = len(record.mutants) if record.own else ran + statuses[MutantStatus.REFUSED]
    sampled = words(", sampled from {n}", n=f"{record.found:,}") if record.found > known else ""
    told = words("{n} of {mutants} killed{rate}", n=f"{killed:,}", mutants=words.amount(ran, "mutant"), rate=rate)
    return told + words(" in {time}", time=duration(record.seconds)) + others + sampled


def document(record: SelfCheckRecord) -> str:
    """The whole record as JSON."""
    statuses = record.statuses()
    ran = sum(statuses[one] for one in (MutantStatus.KILLED, MutantStatus.SURVIVED, MutantStatus.BROKE))
    whole = {
        "schema_version": SCHEMA_VERSION,
        "score": {
            "killed": statuses[MutantStatus.KILLED],
            "of": ran,
            **{one.value: statuses[one] for one in ORDER[1:]},
            "found": record.found,
        },
        "own": record.own,
        "manifests": plain(record.manifests),
        "exit_code": record.exit_code,
        "seconds": record.seconds,
        "options": plain(record.options),
        "versions": plain(record.versions),
        "scenarios": plain(record.unmutated),
        "idle_checks": [{"scenario": scenario, "check": check} for scenario, check in record.idle_checks],
        "mutants": plain(record.mutants),
    }
    return json.dumps(redact_all(whole), indent=1, allow_nan=False) + "\n"


def progress(done: Judged) -> str:
    """One line about a mutant whose status is known."""
    status = done.status.value if done.status else "waiting"
    return f"{status}  {line(done.part or done.scenario)}  {done.operator}  {line(done.what)}  {line(done.location)}"


def _unlike(record: SelfCheckRecord) -> Iterator[str]:
    for scenario in record.broken:
        yield f"{scenario.outcome.value}  {line(scenario.scenario)} as it is: {_short(scenario.reason)}"
    for status in (MutantStatus.SURVIVED, MutantStatus.BROKE):
        for one in record.mutants:
            if one.status is status:
                yield progress(one)
                yield f"  {_short(one.reason)}"


def _tally(statuses: Counter[MutantStatus | None]) -> str:
    ran = sum(statuses[one] for one in (MutantStatus.KILLED, MutantStatus.SURVIVED, MutantStatus.BROKE))
    killed = f"{statuses[MutantStatus.KILLED]}/{ran} killed" if ran else ""
    return ", ".join(
        [*([killed] if killed else []), *(f"{statuses[one]} {one.value}" for one in ORDER[1:] if statuses[one])]
    )


def _short(text: str) -> str:
    plain_text = line(text)
    return plain_text if len(plain_text) <= REASON else f"{plain_text[:REASON]} …"
