"""Intents that are decided by prediction alone."""

from __future__ import annotations

from dataclasses import replace

from meshproof.border.intents.intent import Case, Never
from meshproof.border.verdict import Outcome, Verdict
from meshproof.judge.intents.compared import evidence
from meshproof.records import dataclass


@dataclass(frozen=True, slots=True)
class Decided:
    """The prediction itself; it asks for no facts of a target."""

    case: Case

    @property
    def name(self) -> str:
        return "Never" if isinstance(self.case.intent, Never) else "Intent"

    def judge(self, facts: object) -> Verdict:  # noqa: ARG002
        return verdict(self.case)


@dataclass(frozen=True, slots=True)
class Unshown:
    """Something predicted that no load shows."""

    case: Case
    why: str
    name: str = "Within"

    def judge(self, facts: object) -> Verdict:  # noqa: ARG002
        return verdict(
            replace(self.case, outcome=Outcome.INCONCLUSIVE, reason=f"predicted, and not proved: {self.why}")
        )


def verdict(case: Case) -> Verdict:
    """The verdict of a prediction."""
    request = str(case.request) if case.request.host else ""
    return Verdict("", "", case.outcome, case.reason, request=request, evidence=evidence(case))
