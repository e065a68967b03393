"""A check of every host of an inventory."""

from __future__ import annotations

from abc import ABC, abstractmethod

from meshproof.border.facts.hosts import HostFacts, HostsFacts
from meshproof.border.verdict import Verdict, worst
from meshproof.judge.found import skipped, some


class HostCheck(ABC):
    """What must be true of each host by itself; a check is known by the name of its class."""

    @property
    def name(self) -> str:
        return type(self).__name__

    @abstractmethod
    def judge_host(self, host: HostFacts) -> Verdict:
        """The verdict on one host."""

    def judge(self, facts: HostsFacts) -> Verdict:
        """As bad as the worst host; the reason names the hosts that made it so, or what is the same on all."""
        verdicts = {host.label: self.judge_host(host) for host in facts.hosts}
        outcome = worst([verdict.outcome for verdict in verdicts.values()])
        reasons = {label: verdict.reason for label, verdict in verdicts.items() if verdict.outcome is outcome}
        kinds = set(reasons.values())
        if len(reasons) > 1 and len(kinds) == 1:
            which = "every host" if len(reasons) == len(verdicts) else f"{len(reasons)} hosts"
            reason = f"{which}: {kinds.pop()}"
        else:
            reason = some([f"{label}: {one}" for label, one in reasons.items()], "; ")
        evidence = {
            label: {"outcome": str(verdict.outcome), "reason": verdict.reason, **verdict.evidence}
            for label, verdict in verdicts.items()
        }
        return Verdict("", "", outcome, reason, evidence=evidence)


def unjudged(seen: str, **evidence: object) -> Verdict:
    """What a host has where nothing is expected of it."""
    return skipped(f"{seen} (nothing is expected)", **evidence)


def matches(wanted: str, version: str) -> bool:
    """Whether a version is the wanted one or begins with it, up to a separator (`5.4`: 5.4.119-1, and not 5.40)."""
    return version == wanted or version.startswith((f"{wanted}.", f"{wanted}-", f"{wanted}+", f"{wanted}_"))
