"""Requests of which nobody can say what changes: an object that decides them is taken on one side by nobody.

A cluster keeps what it had of such an object, and Envoy the routes that it had: what the manifests make without it is
not what becomes of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from meshproof.border.expectation import Expectation
from meshproof.border.source import Source
from meshproof.diff.changed import Opaque
from meshproof.diff.sides import Side
from meshproof.mesh.build.unmodelled.resources import reach
from meshproof.mesh.coverage.dependencies import Dependencies
from meshproof.mesh.coverage.facts import facts
from meshproof.mesh.model.topic import Topic
from meshproof.mesh.model.unmodelled import Everything, Unmodelled
from meshproof.records import dataclass


@dataclass(frozen=True, slots=True)
class Untold:
    """What is wrong of either side, and not of the other."""

    old: Dependencies
    new: Dependencies

    def hides(self, old: Expectation, new: Expectation, client: Source) -> bool:
        """Whether what becomes of a request is not known on one of the sides."""
        return _touches(self.old, old, client) or _touches(self.new, new, client)


def untold(old: Side, new: Side, hidden: Sequence[Opaque]) -> Untold:
    """Of all that differs and is not understood, what is wrong."""
    subjects = {one.part.subject for one in hidden if one.part.is_wrong}
    first, second = (Dependencies(side.mesh, [*_wrong(side, subjects)]) for side in (old, new))
    return Untold(first, second)


def _wrong(side: Side, subjects: set[str]) -> Iterator[Unmodelled]:
    """What is wrong there, with the requests that its own object decides: what stands beside it is compared."""
    several = {str(one): one for one in (*side.built.resources, *side.built.left_out)} if subjects else {}
    for one in side.mesh.unmodelled:
        if one.is_wrong and one.subject in subjects:
            resource = several.get(one.subject) if one.topic == Topic.ENVOY_REFUSES else None
            touches = reach(resource, side.mesh) if resource else one.touches
            # Where nobody knows what it decides nothing is left to compare.
            yield replace(one, touches=tuple(each for each in touches if not isinstance(each, Everything)))


def _touches(wrong: Dependencies, expectation: Expectation, client: Source) -> bool:
    return bool(wrong.unmodelled and wrong.touching(facts(wrong.mesh, expectation, client)))
