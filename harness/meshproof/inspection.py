"""An inspection: facts about what a mesh runs on, and what must be true of them. It drives no load."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import field
from typing import Generic, Protocol, TypeVar

from meshproof.border.verdict import Verdict
from meshproof.records import dataclass

Facts = TypeVar("Facts")
FactsIn = TypeVar("FactsIn", contravariant=True)


class Examination(Protocol[FactsIn]):
    """One condition on the facts, such as ControlPlaneHealthy(). Pure: its verdict follows from the facts alone."""

    @property
    def name(self) -> str: ...

    def judge(self, facts: FactsIn) -> Verdict:
        """The verdict; its `scenario`, `check` and `seconds` are left to the caller."""


@dataclass(frozen=True, slots=True)
class Inspection(Generic[Facts]):
    """Conditions on a target that are checked without traffic.

    `facts` is the record (in border/) that the target fills, `expect` what must be true of
    it. `features` are what a target must offer, else the inspection is skipped with that reason. A
    `thorough` one runs only where it is named. `given` are facts that are known without a target,
    `notices` what a reader should know besides: each a place in a file, and what is to be said of it.
    """

    name: str
    description: str
    facts: type[Facts]
    expect: Sequence[Examination[Facts]]
    features: Set[str] = field(default_factory=frozenset)
    thorough: bool = False
    given: Facts | None = None
    notices: Sequence[tuple[str, str]] = ()
