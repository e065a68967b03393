"""Which rules the intents reach."""

from __future__ import annotations

from collections.abc import Iterable

from meshproof.border.intents.intent import Case, Intent
from meshproof.errors import Location
from meshproof.intents.view import routes
from meshproof.mesh.model.mesh import Mesh
from meshproof.records import dataclass


@dataclass(frozen=True, slots=True)
class RuleCoverage:
    """All rules, and those that no request of an intent reaches, in the manifests' order."""

    rules: int
    unreached: tuple[Location, ...]

    @property
    def percent(self) -> float:
        """How many of a hundred rules are reached; all of none."""
        return 100 * (self.rules - len(self.unreached)) / self.rules if self.rules else 100.0


def rule_coverage(mesh: Mesh, cases: Iterable[Case]) -> RuleCoverage:
    """The coverage of a mesh's rules; what must never be reaches none."""
    reached = {case.rule for case in cases if isinstance(case.intent, Intent)}
    rules = routes(mesh)
    return RuleCoverage(len(rules), tuple(place for place in rules if place not in reached))
