"""One mirror rule, and the test of each share that it states."""

from __future__ import annotations

from collections.abc import Set
from itertools import combinations
from math import log

from meshproof.border.expectation import Arm, Copy, Expectation
from meshproof.border.verdict import ArmResult, Precision
from meshproof.judge.sequential.share import ShareTest
from meshproof.records import dataclass

# The mean of the slower of two sequential tests is about a quarter above that of the slower side alone.
SLOWER_OF_TWO = 1.25


@dataclass(frozen=True, slots=True)
class Rule:
    """One mirror rule of a stage: the requests that it applies to, and the arms that are also judged separately."""

    stage: int
    requests: tuple[int, ...]
    expectation: Expectation
    copies: tuple[Copy, ...]
    arms: tuple[Arm, ...] = ()

    @property
    def drawn(self) -> int:
        """How many drawn shares are to be decided."""
        return sum(0 < copy.share < 1 for copy in self.copies if copy.workloads) * (1 + len(self.arms))

    def tests(self, rates: Precision) -> tuple[CopyTest, ...]:
        """A test for each mirror with pods, and each of its arms; without mirrors one test that nothing is copied."""
        if not self.copies:
            return (CopyTest(None, None, rates),)
        reachable = [copy for copy in self.copies if copy.workloads]
        whole = [CopyTest(copy, None, rates) for copy in reachable]
        return (*whole, *(CopyTest(copy, arm, rates) for copy in reachable if 0 < copy.share < 1 for arm in self.arms))

    def obstacle(self) -> str:
        """Why copies cannot be told apart; empty when they can."""
        for one, other in combinations(self.copies, 2):
            if shared := sorted(one.workloads & other.workloads):
                return (
                    f"copies to {one.destination} ({one.location}) and to {other.destination} ({other.location}) "
                    f"cannot be told apart by where they arrive: {', '.join(shared)} "
                    f"{'is' if len(shared) == 1 else 'are'} behind both"
                )
        return ""


class CopyTest:
    """The share of one mirror (`copy` None: of any copy, where there must be none).

    `arm` restricts it to the primaries that this destination got; `first` is the id of the first
    request that is not as an exact share has it.
    """

    __slots__ = ("arm", "copy", "first", "share")

    def __init__(self, copy: Copy | None, arm: Arm | None, rates: Precision) -> None:
        self.copy = copy
        self.arm = arm
        p0 = float(copy.share) if copy else 0.0
        # Half of the share is enough to find copies that are made of one destination's requests alone, or of none.
        self.share = ShareTest(p0, rates.alpha, rates.beta, p0 / 2 if arm else rates.tolerance)
        self.first = ""

    @property
    def part(self) -> float:
        """The part of the rule's requests that it tests."""
        return float(self.arm.share) if self.arm else 1.0

    def add(self, id: str, primary: str, arrived: Set[str]) -> None:
        """One request: the workload that received it, and those that received copies of it."""
        if self.arm is not None and primary not in self.arm.workloads:
            return
        hit = bool(arrived & self.copy.workloads if self.copy else arrived)
        if self.share.exact and hit is (self.share.p0 == 0) and not self.first:
            self.first = id
        self.share.add(hit)

    def expected(self, beta: float) -> float:
        """About how many requests of the rule are needed to decide it when the share is right.

        Wald's approximation for each side, ln 1/β over the information of one observation; see
        `statistics.sprt` for the source.
        """
        p0, tolerance = self.share.p0, self.share.tolerance
        if self.share.exact:
            return self.share.enough / self.part
        sides = (p0 - tolerance, p0 + tolerance)
        information = min(p0 * log(p0 / p1) + (1 - p0) * log((1 - p0) / (1 - p1)) for p1 in sides if 0 < p1 < 1)
        return SLOWER_OF_TWO * -log(beta) / information / self.part

    def result(self, alpha: float) -> ArmResult:
        name = self.copy.destination if self.copy else "any mirror"
        named = f"{name} of {self.arm.destination}" if self.arm else name
        return self.share.result(named, self.copy.location if self.copy else None, alpha)
