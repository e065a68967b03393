"""The outcome of a run in words, and the error rates that it was judged with."""

from __future__ import annotations

from typing import Any

from meshproof.border.facts.control_plane import OWN, VERSION
from meshproof.border.verdict import SEVERITY, Outcome
from meshproof.language.words import ENGLISH, Words
from meshproof.report.record import INTERRUPTED, Record
from meshproof.report.wording import duration, line, number, points, tally


def rates(options: Any, words: Words = ENGLISH) -> str:
    """`α = 0.001, β = 0.01, δ = 3 points`, of those that are known."""
    shown = []
    for name, symbol in (("alpha", "α"), ("beta", "β"), ("tolerance", "δ")):
        value = options.get(name)
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            shown.append(f"{symbol} = {points(value, words) if name == 'tolerance' else number(value)}")
    return words.listed(shown)


def result(record: Record, words: Words = ENGLISH) -> str:
    """The outcomes of the checks: `passed 3 checks of 1 scenario`, `failed 1 of 3 checks of 1 scenario`."""
    outcomes = [verdict.outcome for verdict in record.verdicts]
    scenarios = words.amount(len(record.scenarios), "scenario")
    total = words("{checks} of {scenarios}", checks=words.amount(len(outcomes), "check"), scenarios=scenarios)
    if record.outcome in (INTERRUPTED, Outcome.ERROR):
        known = tally(outcomes, words) or words("no check finished")
        return f"{_end(record, words)}{words(': ')}{words('{tally} of {scenarios}', tally=known, scenarios=scenarios)}"
    if not outcomes:
        return words("{outcome}: no checks of {scenarios}", outcome=words.outcome(record.outcome), scenarios=scenarios)
    # The passed ones are not counted beside those that did not pass.
    shown = [one for one in SEVERITY if one in outcomes and (one is not Outcome.PASSED or record.outcome == one)]
    # A scenario that was skipped has no check of its own, and must not pass for one that did.
    left = sum(one.outcome is Outcome.SKIPPED and not one.verdicts for one in record.scenarios.values())
    skipped = words(", {scenarios} skipped", scenarios=words.amount(left, "scenario")) if left else ""
    if shown == [Outcome.PASSED]:
        return words("{outcome} {total}", outcome=words.outcome(Outcome.PASSED.value), total=total) + skipped
    counts = [
        words("{outcome} {number}", outcome=words.outcome(one.value), number=outcomes.count(one)) for one in shown
    ]
    return words("{counts} of {total}", counts=words(" and ").join(counts), total=total) + skipped


def _end(record: Record, words: Words) -> str:
    """How a run ended that did not get to its end."""
    if record.outcome == Outcome.ERROR:
        return words("error, the harness or its target broke")
    return words("interrupted") if record.interrupted else words("cut off before its end")


def closing(record: Record, words: Words = ENGLISH) -> str:
    """The one line that a run ends with, without the report's path."""
    promise = rates(record.started.options, words) if record.started else ""
    took = words(" in {time}", time=duration(record.seconds)) if record.finished else ""
    other = control_plane(record)
    took += words(", configured by {other}", other=other) if other else ""
    return result(record, words) + took + (words(" ({promise})", promise=promise) if promise else "")


def control_plane(record: Record) -> str:
    """Another control plane than meshproof's own that configured the proxies of the embedded mesh, with its version."""
    named = record.started.versions.get(VERSION, OWN) if record.started else OWN
    return "" if named == OWN else line(str(named))


def headline(record: Record, words: Words = ENGLISH) -> str:
    """The outcome as a sentence about the mesh."""
    driven = any(one.started.requests for one in record.scenarios.values() if one.started)
    match record.outcome:
        case Outcome.INCONCLUSIVE if record.coverage is not None and not driven:
            return words("Nothing of these manifests could be proved.")
        case Outcome.PASSED if any(one.outcome is Outcome.SKIPPED for one in record.scenarios.values()):
            return words("What was checked is as its YAML says, and not all of it was checked.")
        case Outcome.PASSED if not driven:
            return words("Everything that was inspected is as specified.")
        case Outcome.FAILED if not driven:
            return words("Not everything that was inspected is as specified.")
        case Outcome.PASSED:
            return words("The mesh does what its YAML says.")
        case Outcome.FAILED:
            return words("The mesh does not do what its YAML says.")
        case Outcome.INCONCLUSIVE:
            return words("It could not be decided whether the mesh does what its YAML says.")
        case Outcome.SKIPPED:
            return words("Nothing was checked.")
        case Outcome.ERROR:
            return words("The harness or its target broke.")
        case _:
            return words("The run was stopped before its end.")


def promise(record: Record, words: Words = ENGLISH) -> str:
    """The error rates of this run's verdicts, as a sentence."""
    options = record.started.options if record.started else {}
    rate = {name: options.get(name) for name in ("alpha", "beta", "tolerance")}
    known = {name: value for name, value in rate.items() if isinstance(value, (int, float))}
    if len(known) < len(rate):
        return ""
    return words(
        "A mesh that conforms is failed with probability at most {alpha} (α) per run; a share that is off by"
        " {tolerance} (δ) or more is passed with probability at most {beta} (β). No check is ever retried.",
        alpha=number(known["alpha"]),
        beta=number(known["beta"]),
        tolerance=points(known["tolerance"], words),
    )
