"""An inspection: facts about what a mesh runs on, and what must be true of them. No load is driven."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from meshproof.border.verdict import Verdict

Facts = TypeVar("Facts")
FactsIn = TypeVar("FactsIn", contravariant=True)


class Examination(Protocol[FactsIn]):
    """One thing to be true, such as ControlPlaneHealthy(). Pure: it sees the facts and nothing else."""

    @property
    def name(self) -> str: ...

    def judge(self, facts: FactsIn) -> Verdict:
        """The verdict; its `scenario`, `check` and `seconds` are left to the caller."""


@dataclass(frozen=True, slots=True)
class Inspection(Generic[Facts]):
    """Something that is put to the proof by looking at it.

    `facts` is the record (in border/) that the target is asked to fill, `expect` what must be true of
    it. `features` are what a target must offer, else the inspection is skipped with that reason. A
    `thorough` one runs only where it is named. `given` are facts that are known without a target.
    """

    name: str
    description: str
    facts: type[Facts]
    expect: Sequence[Examination[Facts]]
    features: Set[str] = field(default_factory=frozenset)
    thorough: bool = False
    given: Facts | None = None
