"""Plans and observations, built with defaults for all that a test does not vary."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

import pytest
from meshproof.border.books import Books
from meshproof.border.expectation import Arm, Expectation
from meshproof.border.observation import Observation
from meshproof.border.request import parse
from meshproof.border.verdict import Precision, Verdict
from meshproof.errors import Location
from meshproof.scenario import Plan, Trial

REQUEST = parse("GET http://helloworld:5000/hello")
ROUTE = Location("canary.yaml", 10, 5)


class Build:
    """Builders of arms, expectations, plans and observations."""

    route = ROUTE

    @staticmethod
    def arm(subset: str, percent: float | str, *workloads: str, note: str = "") -> Arm:
        """A destination helloworld.default/SUBSET with the workload default/helloworld-SUBSET, or those given."""
        behind = frozenset(workloads or (f"default/helloworld-{subset}",)) - {"none"}
        line = int(subset[1:]) if subset[1:].isdigit() else 9
        share = Fraction(str(percent)) / 100
        return Arm(f"helloworld.default/{subset}", share, behind, Location("canary.yaml", 10 + line, 11), note)

    @staticmethod
    def expectation(*arms: Arm, **fields: object) -> Expectation:
        return Expectation(**{"request": REQUEST, "arms": arms, "route": ROUTE, **fields})  # type: ignore[arg-type]

    @staticmethod
    def plan(*stages: Expectation | tuple[Expectation, ...], precision: Precision | None = None) -> Plan:
        rows = tuple(row if isinstance(row, tuple) else (row,) for row in stages)
        return Plan("CanarySplit", rows, precision or Precision())

    @staticmethod
    def seen(subset: str = "", status: int = 200, **fields: object) -> Observation:
        """An answer of helloworld-SUBSET, or (subset empty) one without a pod."""
        name = f"helloworld-{subset}"
        who = {"workload": f"default/{name}", "pod": f"{name}-0"} if subset else {}
        basic = {"id": "id-1", "request": 0, "stage": 0, "started": 0.25, "latency": 0.001, "status": status}
        return Observation(**{**basic, **who, **fields})  # type: ignore[arg-type]

    @staticmethod
    def feed(trial: Trial, stream: Iterable[Observation]) -> Verdict:
        """Observe until decided, then conclude."""
        for observation in stream:
            if trial.decided:
                break
            trial.observe(observation)
        return trial.conclude(Books())


@pytest.fixture(scope="session")
def build() -> type[Build]:
    return Build
