"""A mirror never touches the answer of the request that it copies."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from meshproof.border.books import Books
from meshproof.border.observation import Observation
from meshproof.border.verdict import ArmResult, Outcome, Verdict
from meshproof.judge.sequential.share import ShareTest
from meshproof.judge.wording import answer, counted, kinds
from meshproof.records import dataclass
from meshproof.scenario import Plan, Trial


@dataclass(frozen=True)
class OutOfBand:
    """Every request of one kind gets the same status and body, and none waits for its copy.

    All stages are judged as one load: a first stage without a mirror gives the answers that the others are compared
    with. The load must keep digests (`Load(digest=True)`), and its paths must have constant bodies.

    `within` bounds every latency, in seconds. An answer that waits for a copy that hangs does not come
    before the load ends or the client's timeout, which is several times as long; a pause of the
    machine that the load runs on, or of a proxy on it, is shorter, and is not counted. One answer beyond the
    bound fails. Without a fault the check passes once a share of `tolerance` of faults is ruled out at `beta`.

    "The mirrored traffic happens out of band of the critical request path for the primary service":
    https://istio.io/latest/docs/tasks/traffic-management/mirroring/.
    """

    within: float = 2.0
    name: str = "OutOfBand"

    def begin(self, plan: Plan) -> Sequence[Trial]:
        return [OutOfBandTrial(self.name, plan, self.within)]


class OutOfBandTrial:
    """Takes every observation, of any stage and request; `_first` is the first answer of each kind of request."""

    stage: int | None = None
    request: int | None = None

    def __init__(self, check: str, plan: Plan, within: float) -> None:
        self.check = check
        self._plan = plan
        self._within = within
        rates = plan.precision
        self._faults = ShareTest(0.0, rates.alpha, rates.beta, rates.tolerance, cap=rates.max_requests)
        self.limit = self._faults.cap
        self._first: dict[int, Observation] = {}
        self._kinds: Counter[str] = Counter()
        self._fault = ""
        self._latencies: list[float] = []
        self._undigested = 0

    def observe(self, observation: Observation) -> None:
        self._latencies.append(observation.latency)
        first = self._first.setdefault(observation.request, observation)
        self._undigested += bool(observation.status) and not observation.digest
        kind = self._kind(first, observation)
        self._faults.add(bool(kind))
        if kind:
            self._kinds[kind] += 1
            self._fault = self._fault or observation.id

    def _kind(self, first: Observation, observation: Observation) -> str:
        if not observation.status or observation.status != first.status:
            return answer(observation)
        if observation.digest != first.digest:
            return f"answered {observation.status} with another body than the first"
        if observation.latency - observation.stalled - observation.waited > self._within:
            return f"answered later than {self._within:g} s"
        return ""

    @property
    def decided(self) -> bool:
        return self._faults.closed

    @property
    def refuted(self) -> bool:
        return bool(self._kinds)

    @property
    def count(self) -> int:
        return self._faults.n

    def arms(self) -> tuple[ArmResult, ...]:
        return ()

    def conclude(self, books: Books) -> Verdict:  # noqa: ARG002
        outcome = self._faults.outcome
        if outcome is Outcome.PASSED and self._undigested:
            outcome = Outcome.INCONCLUSIVE
        return Verdict(
            self._plan.scenario,
            self.check,
            outcome,
            self._reason(outcome),
            n=self._faults.n,
            evidence={
                "faults": dict(self._kinds),
                "first": self._fault,
                "within": self._within,
                "slowest": max(self._latencies, default=0.0),
                "median": sorted(self._latencies)[len(self._latencies) // 2] if self._latencies else 0.0,
            },
        )

    def _reason(self, outcome: Outcome) -> str:
        n = self._faults.n
        if not n:
            return "no request was observed"
        slowest = f"the slowest took {max(self._latencies):.3f} s, where {self._within:g} s is the bound"
        if self._kinds:
            first = next(iter(self._first.values()))
            return (
                f"{kinds(self._kinds, n)}, but no copy may change an answer or delay it; the first was request "
                f"{self._fault}, where request {first.id} had been {answer(first)}; {slowest}"
            )
        if outcome is Outcome.PASSED:
            statuses = "/".join(sorted({str(one.status) for one in self._first.values()}))
            return f"all {n:,} requests were answered {statuses} with one and the same body; {slowest}"
        if self._undigested:
            return f"{counted(self._undigested, n)} observed without a digest of the body: Load(digest=True) keeps them"
        return f"only {n:,} requests were observed, {self._faults.enough:,} are needed; all were answered alike"
