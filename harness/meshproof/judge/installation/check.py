"""A check of one fact of an installation."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar, Generic, TypeVar

from meshproof.border.facts.installation import InstallFacts
from meshproof.border.verdict import Verdict
from meshproof.judge.found import skipped, unknown

Fact = TypeVar("Fact")


class InstallCheck(ABC, Generic[Fact]):
    """What must be true of the `fact` of that name, a field of InstallFacts; a check is known by the name of its class.

    Where the fact is None the verdict is undecided, or skipped where this user has no right to know it, with the
    reason that the facts give.
    """

    fact: ClassVar[str]

    @property
    def name(self) -> str:
        return type(self).__name__

    @abstractmethod
    def judge_fact(self, fact: Fact, facts: InstallFacts) -> Verdict:
        """The verdict on the fact; `facts` are all of the installation."""

    def judge(self, facts: InstallFacts) -> Verdict:
        fact = getattr(facts, self.fact)
        if fact is not None:
            return self.judge_fact(fact, facts)
        withheld = facts.withheld.get(self.fact)
        return skipped(withheld) if withheld else unknown(facts.unknown, self.fact)
