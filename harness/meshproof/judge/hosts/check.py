"""One verdict from what was found on each host."""

from __future__ import annotations

from collections.abc import Callable

from meshproof.border.facts.hosts import HostFacts, HostsFacts
from meshproof.border.verdict import Verdict, worst
from meshproof.judge.found import skipped, some


def each(facts: HostsFacts, judge: Callable[[HostFacts], Verdict]) -> Verdict:
    """As bad as the worst host; the reason names the hosts that made it so, or what is the same on all."""
    found = {host.label: judge(host) for host in facts.hosts}
    outcome = worst([verdict.outcome for verdict in found.values()])
    told = {label: verdict.reason for label, verdict in found.items() if verdict.outcome is outcome}
    kinds = set(told.values())
    if len(told) > 1 and len(kinds) == 1:
        reason = f"{len(told)} hosts: {kinds.pop()}" if len(told) < len(found) else f"every host: {kinds.pop()}"
    else:
        reason = some([f"{label}: {one}" for label, one in told.items()], "; ")
    evidence = {
        label: {"outcome": str(verdict.outcome), "reason": verdict.reason, **verdict.evidence}
        for label, verdict in found.items()
    }
    return Verdict("", "", outcome, reason, evidence=evidence)


def unjudged(told: str) -> Verdict:
    """What a host has where nothing is expected of it."""
    return skipped(f"{told} (nothing is expected)")


def matches(wanted: str, version: str) -> bool:
    """Whether a version is the wanted one, or begins with it at a border (`5.4`: 5.4.119-1, and not 5.40)."""
    return version == wanted or version.startswith((f"{wanted}.", f"{wanted}-", f"{wanted}+", f"{wanted}_"))
