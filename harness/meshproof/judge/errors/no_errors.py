"""No request fails, whatever changes meanwhile."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from meshproof.border.books import Books
from meshproof.border.expectation import Expectation
from meshproof.border.observation import Observation
from meshproof.border.verdict import ArmResult, Outcome, Verdict
from meshproof.judge import ended_stream
from meshproof.judge.expectations import applying, taken_by
from meshproof.judge.injected_faults import DELAYS, unspecified_delays
from meshproof.judge.limits import by_machine
from meshproof.judge.own_answer import is_specified
from meshproof.judge.sequential.share import ShareTest
from meshproof.judge.wording import answer, counted, kinds
from meshproof.records import dataclass
from meshproof.scenario import Plan, Trial

# The answer of a stand-in that the sample would give, too, because it has no such path (workload/behaviours).
UNKNOWN = "x-meshproof-unknown"


@dataclass(frozen=True)
class NoErrors:
    """Every request of the load, transitions included, is answered with a status below 400.

    A status that the specification demands of the proxy (also as an injected fault) is no error, nor is a connection
    or handshake that it demands to be refused; during a transition the specification of either neighbour may demand
    it. One error fails. Without any, the check passes once a share of `tolerance` is ruled out at `beta`
    (`statistics.exact_sample_size`), and an error that comes later in the load still fails it. What timed out while
    this machine stood still is not judged (`limits.by_machine`). It also fails where
    the proxies count delays that they injected and none is specified (`injected_faults.unspecified_delays`).
    """

    name: str = "NoErrors"

    def begin(self, plan: Plan) -> Sequence[Trial]:
        return [NoErrorsTrial(self.name, plan)]


class NoErrorsTrial:
    """Takes every observation, of any stage and request."""

    stage: int | None = None
    request: int | None = None

    def __init__(self, check: str, plan: Plan) -> None:
        self.check = check
        self._plan = plan
        rates = plan.precision
        self._errors = ShareTest(0.0, rates.alpha, rates.beta, rates.tolerance, cap=rates.max_requests)
        self.limit = self._errors.cap
        self._kinds: Counter[str] = Counter()
        self._unknown: Counter[str] = Counter()
        self._first: Observation | None = None
        self._unjudged = 0

    def observe(self, observation: Observation) -> None:
        unknown = _unknown_to_the_stand_in(observation)
        self._unknown.update([unknown] if unknown else [])
        if observation.stalled and any(by_machine(observation, one) for one in self._expectations(observation)):
            self._unjudged += 1
            return
        fine = 0 < observation.status < 400 and not observation.grpc_status
        if fine or unknown or self._demanded(observation):
            self._errors.add(False)
            return
        self._errors.add(True)
        self._first = self._first or observation
        self._kinds[answer(observation)] += 1

    @property
    def decided(self) -> bool:
        return self._errors.closed

    @property
    def refuted(self) -> bool:
        return self._errors.outcome is Outcome.FAILED

    @property
    def count(self) -> int:
        return self._errors.n

    def arms(self) -> tuple[ArmResult, ...]:
        return ()

    def conclude(self, books: Books) -> Verdict:
        delayed = unspecified_delays(books, self._plan)
        held = f"{counted(delayed, self._errors.n)} held back by the proxies ({DELAYS}), and no delay is specified"
        return Verdict(
            self._plan.scenario,
            self.check,
            Outcome.FAILED if delayed else self._errors.outcome,
            f"{held}; {self._reason()}" if delayed else self._reason(),
            n=self._errors.n,
            evidence={
                "errors": dict(self._kinds),
                "first": self._first.id if self._first else "",
                "delayed": delayed,
            },
        )

    def _expectations(self, observation: Observation) -> tuple[Expectation, ...]:
        return applying(self._plan, observation.stage, observation.request)

    def _demanded(self, observation: Observation) -> bool:
        if any(ended_stream.is_specified(observation, one) for one in self._expectations(observation)):
            return True
        if observation.pod or observation.workload:
            return False
        if not observation.status:
            return any(expectation.refused for expectation in self._expectations(observation))
        return any(is_specified(observation, expectation) for expectation in self._expectations(observation))

    def _reason(self) -> str:
        told = [self._said()]
        if self._unjudged:
            told.append(f"{self._unjudged:,} were not judged: their time ran out while this machine stood still")
        return "; ".join(told)

    def _said(self) -> str:
        n, first = self._errors.n, self._first
        if first is None:
            if self._errors.outcome is Outcome.PASSED:
                told = "; ".join(
                    f"{counted(number, n)} answered {what}, which says nothing of the mesh"
                    for what, number in sorted(self._unknown.items())
                )
                passed = f"all {n:,} requests were answered without an error"
                return f"{passed} of the mesh; {told}" if told else passed
            if not n:
                return "no request was observed"
            return f"only {n:,} requests were observed, {self._errors.enough:,} are needed; none was an error"
        when = f"stage {first.stage}" if first.stage >= 0 else f"the change to stage {-first.stage}"
        reason = (
            f"{kinds(self._kinds, n)}; the first was request {first.id}, "
            f"sent {first.started:.3f} s after the load began, in {when}"
        )
        expectations = self._expectations(first)
        notes = [] if first.stage < 0 else [taken_by(self._plan, first.stage, first.request)]
        notes += [expectation.note for expectation in expectations]
        notes += [arm.why for expectation in expectations for arm in expectation.arms if arm.share]
        return "; ".join([reason, *dict.fromkeys(note for note in notes if note)])


def _unknown_to_the_stand_in(observation: Observation) -> str:
    """How a stand-in answered what the sample that it stands for does not know; empty for any other answer."""
    image = next((value for name, value in observation.headers if name == UNKNOWN), "")
    return f"{observation.status} by the stand-in for {image}, which does not know that path or method" if image else ""
