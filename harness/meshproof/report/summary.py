"""The outcome of a run in words, and the error rates that it was judged with."""

from __future__ import annotations

from typing import Any

from meshproof.border.facts.control_plane import OWN, VERSION
from meshproof.border.verdict import SEVERITY, Outcome
from meshproof.report.record import INTERRUPTED, Record
from meshproof.report.wording import duration, line, number, plural, points, tally


def rates(options: Any) -> str:
    """`α = 0.001, β = 0.01, δ = 3 points`, of those that are known."""
    shown = []
    for name, symbol, write in (("alpha", "α", number), ("beta", "β", number), ("tolerance", "δ", points)):
        value = options.get(name)
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            shown.append(f"{symbol} = {write(value)}")
    return ", ".join(shown)


def result(record: Record) -> str:
    """The outcomes of the checks: `passed 3 checks of 1 scenario`, `failed 1 of 3 checks of 1 scenario`."""
    outcomes = [verdict.outcome for verdict in record.verdicts]
    scenarios = plural(len(record.scenarios), "scenario")
    total = f"{plural(len(outcomes), 'check')} of {scenarios}"
    if record.outcome == INTERRUPTED:
        how = "interrupted" if record.interrupted else "cut off before its end"
        return f"{how}: {tally(outcomes) or 'no check finished'} of {scenarios}"
    if record.outcome == Outcome.ERROR:
        return f"error, the harness or its target broke: {tally(outcomes) or 'no check finished'} of {scenarios}"
    if not outcomes:
        return f"{record.outcome}: no checks of {scenarios}"
    # The passed ones are not counted beside those that did not pass.
    shown = [one for one in SEVERITY if one in outcomes and (one is not Outcome.PASSED or record.outcome == one)]
    # A scenario that was skipped has no check of its own, and must not pass for one that did.
    left = sum(one.outcome is Outcome.SKIPPED and not one.verdicts for one in record.scenarios.values())
    skipped = f", {plural(left, 'scenario')} skipped" if left else ""
    if shown == [Outcome.PASSED]:
        return f"passed {total}{skipped}"
    return " and ".join(f"{one.value} {outcomes.count(one)}" for one in shown) + f" of {total}{skipped}"


def closing(record: Record) -> str:
    """The one line that a run ends with, without the report's path."""
    promise = rates(record.started.options) if record.started else ""
    took = f" in {duration(record.seconds)}" if record.finished else ""
    other = control_plane(record)
    took += f", configured by {other}" if other else ""
    return result(record) + took + (f" ({promise})" if promise else "")


def control_plane(record: Record) -> str:
    """Another control plane than meshproof's own that configured the proxies of the embedded mesh, with its version."""
    named = record.started.versions.get(VERSION, OWN) if record.started else OWN
    return "" if named == OWN else line(str(named))


def headline(record: Record) -> str:
    """The outcome as a sentence about the mesh."""
    driven = any(one.started.requests for one in record.scenarios.values() if one.started)
    match record.outcome:
        case Outcome.INCONCLUSIVE if record.coverage is not None and not driven:
            return "Nothing of these manifests could be proved."
        case Outcome.PASSED if any(one.outcome is Outcome.SKIPPED for one in record.scenarios.values()):
            return "What was checked is as its YAML says, and not all of it was checked."
        case Outcome.PASSED if not driven:
            return "Everything that was inspected is as specified."
        case Outcome.FAILED if not driven:
            return "Not everything that was inspected is as specified."
        case Outcome.PASSED:
            return "The mesh does what its YAML says."
        case Outcome.FAILED:
            return "The mesh does not do what its YAML says."
        case Outcome.INCONCLUSIVE:
            return "It could not be decided whether the mesh does what its YAML says."
        case Outcome.SKIPPED:
            return "Nothing was checked."
        case Outcome.ERROR:
            return "The harness or its target broke."
        case _:
            return "The run was stopped before its end."


def promise(record: Record) -> str:
    """The error rates of this run's verdicts, as a sentence."""
    options = record.started.options if record.started else {}
    rate = {name: options.get(name) for name in ("alpha", "beta", "tolerance")}
    known = {name: value for name, value in rate.items() if isinstance(value, (int, float))}
    if len(known) < len(rate):
        return ""
    return (
        f"A mesh that conforms is failed with probability at most {number(known['alpha'])} (α) per run; a share that"
        f" is off by {points(known['tolerance'])} (δ) or more is passed with probability at most"
        f" {number(known['beta'])} (β). No check is ever retried."
    )
