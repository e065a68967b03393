"""What must stand around commands that run after the death of a process."""

from __future__ import annotations

from collections.abc import Sequence

from meshproof.records import dataclass


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Commands that make what others need, such as a connection that ended with its owner, and that end it again."""

    before: tuple[Sequence[str], ...] = ()
    after: tuple[Sequence[str], ...] = ()


NOTHING = Surroundings()
