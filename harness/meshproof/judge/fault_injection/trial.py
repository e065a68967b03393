"""A fault that is injected into a share of the requests: what the trials of aborts and delays have in common."""

from __future__ import annotations

from math import ceil

from meshproof.border.books import Books
from meshproof.border.expectation import Abort, Delay
from meshproof.border.observation import Observation
from meshproof.border.verdict import ArmResult, Outcome, Verdict
from meshproof.judge.fault_injection.injection import Injection
from meshproof.judge.sequential.share import ShareTest
from meshproof.judge.wording import counted, percent, points, specified

BATCHES = 16
"""The most requests that may be needed are judged in so many batches."""


class FaultTrial:
    """Whether a fault is injected into its share of one kind of request, decided in the order of sending.

    Answers do not come in that order: first come those that no fault has delayed. So observations
    are gathered until a batch is full; the load then pauses, and once nothing is under way any more all of
    the batch is judged (`reconcile`). A share of 0 or 1 is exact in any order, and judged immediately.

    Of a request that met a late machine it may be unknown whether a fault has hit it (`ambiguous`). The share is
    decided where it is decided alike whether all of these were hit or none; an exact one leaves them out.

    A subclass says which requests a fault has hit, and what else is wrong; `label` is what reports call a hit.
    """

    def __init__(self, injection: Injection[Abort] | Injection[Delay], label: str) -> None:
        self.stage: int | None = injection.stage
        self.request: int | None = injection.request
        self.check = injection.check
        self._plan = injection.plan
        self._rates = rates = injection.rates
        self._expectation = injection.expectation
        self._fault: Abort | Delay = injection.fault
        self._label = label
        share = float(self._fault.share)
        self._fewest, self._most = (
            ShareTest(share, rates.alpha, rates.beta, rates.tolerance, cap=rates.max_requests) for _ in range(2)
        )
        self.limit = self._fewest.cap
        self._batch: list[tuple[float, str, bool, bool]] = []
        self._size = ceil(self.limit / BATCHES)
        self._odd: Observation | None = None
        self._unknown = 0

    def hit(self, observation: Observation) -> bool:
        """Whether the fault was injected into this request."""
        raise NotImplementedError

    def flaw(self, books: Books) -> str:
        """What is wrong beside the share, in words; empty when nothing is."""
        raise NotImplementedError

    def doubt(self, books: Books) -> str:  # noqa: ARG002
        """Why a share that is too large is no proof of a wrong mesh; empty when it is one."""
        return ""

    def blind(self) -> str:
        """Why nothing can be told of the fault by any answer; empty when something can."""
        return ""

    def passed(self) -> str:
        """What the reason of a passed verdict adds to the share."""
        raise NotImplementedError

    def ambiguous(self, observation: Observation) -> bool:  # noqa: ARG002
        """Whether it cannot be told from how late the machine was if a fault has hit the request."""
        return False

    def observe(self, observation: Observation) -> None:
        unknown = bool(observation.stalled) and self.ambiguous(observation)
        self._unknown += unknown
        if not self._fewest.exact:
            # The proxies count until the load ends: what comes after the decision is looked at as well.
            hit = not unknown and self.hit(observation)
            if not self._closed:
                self._batch.append((observation.started, observation.id, hit, hit or unknown))
            return
        if unknown:
            return
        hit = self.hit(observation)
        self._take(hit, hit)
        if hit != bool(self._fewest.p0):
            self._odd = self._odd or observation

    def reconcile(self, books: Books) -> None:  # noqa: ARG002
        for _, _, fewest, most in sorted(self._batch):
            self._take(fewest, most)
        self._batch.clear()

    def _take(self, fewest: bool, most: bool) -> None:
        for test, hit in ((self._fewest, fewest), (self._most, most)):
            if not test.closed or test.exact:
                test.add(hit)

    @property
    def decided(self) -> bool:
        return self._closed or len(self._batch) >= self._size or self._unknown >= self.limit

    @property
    def _closed(self) -> bool:
        return self._fewest.closed and self._most.closed

    @property
    def _outcome(self) -> Outcome:
        return self._fewest.outcome if self._fewest.outcome is self._most.outcome else Outcome.INCONCLUSIVE

    @property
    def _test(self) -> ShareTest:
        """What is shown: of two shares that are too small the larger one."""
        small = self._outcome is Outcome.FAILED and self._most.observed < self._most.p0
        return self._most if small else self._fewest

    @property
    def refuted(self) -> bool:
        return self._outcome is Outcome.FAILED

    @property
    def count(self) -> int:
        return self._fewest.n + len(self._batch)

    def arms(self) -> tuple[ArmResult, ...]:
        return (self._test.result(self._label, self._fault.location, self._plan.precision.alpha),)

    def conclude(self, books: Books) -> Verdict:
        self.reconcile(books)
        rates, test, flaw = self._plan.precision, self._test, self.flaw(books)
        large = self._outcome is Outcome.FAILED and test.observed > test.p0
        doubt = self.blind() or (self.doubt(books) if large else "") or self._undecided()
        outcome = Outcome.FAILED if flaw else Outcome.INCONCLUSIVE if doubt else self._outcome
        more = flaw or doubt or (self.passed() if outcome is Outcome.PASSED else "")
        return Verdict(
            self._plan.scenario,
            self.check,
            outcome,
            self._share() + (f"; {more}" if more else ""),
            n=test.n,
            request=str(self._expectation.request),
            stage=self.stage or 0,
            alpha=None if test.exact else rates.alpha,
            beta=None if test.exact else rates.beta,
            tolerance=None if test.exact else rates.tolerance,
            arms=self.arms(),
            evidence={
                "cap": self.limit,
                "alpha_per_share": self._rates.alpha,
                "unknown": self._unknown,
                **self.evidence(books),
            },
        )

    def _undecided(self) -> str:
        if self._outcome is not Outcome.INCONCLUSIVE or not self._unknown:
            return ""
        return f"the machine was late for too long to tell whether {self._unknown:,} more of them were"

    def evidence(self, books: Books) -> dict[str, object]:  # noqa: ARG002
        return {}

    def _share(self) -> str:
        test, at, did = self._test, self._fault.location, self._label
        if not test.n:
            return "no request was observed"
        if test.exact:
            return self._exactly()
        band = f"{specified(test.p0)} ± {points(test.tolerance)} specified at {at}"
        seen = f"{percent(test.observed)} of {test.n:,} requests were {did}"
        if self._outcome is Outcome.PASSED:
            return f"{seen} ({band})"
        if self._outcome is Outcome.FAILED:
            low, high = test.interval(self._plan.precision.alpha)
            level = f"{100 * (1 - self._plan.precision.alpha):g} % interval"
            bounds = "" if low <= test.p0 <= high else f" ({level} {percent(low).removesuffix(' %')}–{percent(high)})"
            return f"{seen}{bounds}, {specified(test.p0)} specified at {at}; ruled out at α = {self._rates.alpha:g}"
        return f"{seen} ({band}), which does not decide it"

    def _exactly(self) -> str:
        test, at, did = self._test, self._fault.location, self._label
        wanted = "all are" if test.p0 else "none is"
        odd = (test.n - test.hits) if test.p0 else test.hits
        if self._odd is not None:
            how = f"not {did}" if test.p0 else did
            return (
                f"{counted(odd, test.n)} {how}, {wanted} specified to be at {at} (the first was request {self._odd.id})"
            )
        seen = f"{'all' if test.p0 else 'none of'} {test.n:,} requests were {did}"
        if test.outcome is Outcome.PASSED:
            return f"{seen}, as specified at {at}"
        return f"{seen}, but {test.enough:,} are needed"
