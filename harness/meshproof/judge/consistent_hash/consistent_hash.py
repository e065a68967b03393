"""Where a hash chooses the pod, requests with one and the same key reach one and the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from math import ceil
from typing import Any

from meshproof.border.books import Books
from meshproof.border.expectation import Arm, Expectation
from meshproof.border.observation import Observation
from meshproof.border.verdict import ArmResult, Outcome, Verdict, worst
from meshproof.errors import Location
from meshproof.judge.consistent_hash.destination import COMPARED, KEYS, Destination
from meshproof.judge.expectations import hashed_by, rule_of, taken_by
from meshproof.judge.wording import joined
from meshproof.records import dataclass
from meshproof.scenario import Plan, Trial

NAMED = 3
# At most so many times the requests that should be enough are sent, and never more than these.
LIMIT_FACTOR = 4
MOST_REQUESTS = 200_000

Place = tuple[Location | None, str, int]


@dataclass(frozen=True)
class ConsistentHash:
    """`consistentHash` of DestinationRules, for all requests of a load that have a key.

    Exact: of each destination of each route one key that reaches two pods fails it, as do forty different keys that
    all reach one of several, and an answer without the cookie that a proxy has to give (a cookie with a ttl). A
    request without a key gets any pod, and says nothing. Which destination of a route a request draws is chosen at
    random whatever is hashed: that is left to Split. Where one pod stands behind a destination only the cookie shows.
    """

    name: str = "ConsistentHash"

    def begin(self, plan: Plan) -> Sequence[Trial]:
        found = (ConsistentHashTrial(self.name, plan, stage) for stage in range(len(plan.stages)))
        return [trial for trial in found if trial.destinations]


class ConsistentHashTrial:
    """The hashed destinations of one stage."""

    def __init__(self, check: str, plan: Plan, stage: int) -> None:
        self.check = check
        self.stage: int | None = stage
        self.request: int | None = None
        self.count = 0
        self._plan = plan
        self._row: tuple[Expectation, ...] = plan.stages[stage]
        found = _destinations(self._row)
        self.destinations: Mapping[Place, Destination] = {at: one for at, one in found.items() if one.shows}
        self._of_request = [
            [(arm, at) for arm in one.arms if (at := self.destinations.get(_place(one, arm))) and at.learns(one, arm)]
            for one in self._row
        ]
        rarest = min((float(arm.share) for several in self._of_request for arm, _ in several), default=1.0)
        enough = len(self.destinations) * (KEYS + COMPARED) / rarest
        self.limit = plan.precision.max_requests or min(MOST_REQUESTS, ceil(LIMIT_FACTOR * enough))
        self._open = sum(not one.decided for one in self.destinations.values())

    def observe(self, observation: Observation) -> None:
        self.count += 1
        for arm, destination in self._of_request[observation.request]:
            if observation.workload in arm.workloads:
                before = destination.decided
                destination.observe(observation, self._row[observation.request], arm)
                self._open -= destination.decided and not before

    def wants(self, request: int) -> int:
        """How many more requests of that index it needs."""
        return 0 if self.decided else sum(not one.decided for _, one in self._of_request[request])

    @property
    def decided(self) -> bool:
        return self._open == 0 or self.count >= self.limit

    @property
    def refuted(self) -> bool:
        return any(one.fault for one in self.destinations.values())

    def arms(self) -> tuple[ArmResult, ...]:
        return ()

    def conclude(self, books: Books) -> Verdict:  # noqa: ARG002
        outcome = worst([one.outcome for one in self.destinations.values()])
        return Verdict(
            self._plan.scenario,
            self.check,
            outcome,
            self._reason(outcome),
            n=self.count,
            stage=self.stage or 0,
            evidence={"table": [self._row_of(one) for one in self.destinations.values()]},
        )

    def _reason(self, outcome: Outcome) -> str:
        several = list(self.destinations.values())
        named = [f"{one.name}: {self._told(one)}" for one in several if one.outcome is outcome]
        if outcome is Outcome.PASSED:
            keys = joined(dict.fromkeys(str(key) for one in several for key in one.hashing.keys))
            number = f"{len(several)} destination{'s' * (len(several) != 1)}"
            return f"the hash of {keys} decides the pod, as specified for {number}: {'; '.join(named[:NAMED])}"
        more = f"; and {len(named) - NAMED} more" if len(named) > NAMED else ""
        how = "are not chosen by the specified hash" if outcome is Outcome.FAILED else "are not decided"
        return f"the pods of {len(named)} of {len(several)} destinations {how}. {'; '.join(named[:NAMED])}{more}"

    def _told(self, one: Destination) -> str:
        asked = (self._plan, self.stage or 0, one.requests[0])
        applied = [taken_by(*asked), hashed_by(*asked, one.name)] if one.fault else []
        return "; ".join(filter(None, (one.seen(), *applied)))

    def _row_of(self, one: Destination) -> dict[str, Any]:
        expectation = self._row[one.requests[0]]
        return {
            "request": str(expectation.request),
            "specified": f"{one.name} by the hash of {joined(str(key) for key in one.hashing.keys)}",
            "rule": rule_of(expectation),
            "observed": one.seen(),
            "outcome": one.outcome.value,
        }


def _place(expectation: Expectation, arm: Arm) -> Place:
    """What shares a hash: a route combines what its destinations have hashed."""
    return expectation.route, arm.destination, arm.port


def _destinations(row: Sequence[Expectation]) -> dict[Place, Destination]:
    found: dict[Place, Destination] = {}
    for request, one in enumerate(row):
        # Where Envoy chooses once for a connection, or nothing gets to a pod, no key decides anything.
        if not one.independent or one.status or one.refused or (one.abort and one.abort.share == 1):
            continue
        for arm in one.arms:
            if arm.hashed_by and arm.share and arm.workloads:
                found.setdefault(_place(one, arm), Destination(arm.destination, arm.hashed_by)).add(request, one, arm)
        for arm, other in combinations([one for one in one.arms if one.share], 2):
            if both := arm.workloads & other.workloads:
                for destination in filter(None, (found.get(_place(one, arm)), found.get(_place(one, other)))):
                    destination.obstacle = f"{joined(sorted(both))} may answer for another destination as well"
    for destination in found.values():
        if destination.hashing.pods > 1 and not destination.keys:
            destination.obstacle = "no request has a key that its proxy leaves as it is"
    return found
