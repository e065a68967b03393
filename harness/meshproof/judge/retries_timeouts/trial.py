"""Whether each request ends as its timeout and its retries make it end."""

from __future__ import annotations

from collections.abc import Callable
from math import ceil

from meshproof.border.books import Books
from meshproof.border.expectation import Expectation
from meshproof.border.grpc import DEADLINE_EXCEEDED
from meshproof.border.observation import Observation
from meshproof.border.verdict import ArmResult, Outcome, Verdict
from meshproof.border.workload_fault import WorkloadFault
from meshproof.judge.arrivals import Joined, join, primary_traits
from meshproof.judge.own_answer import is_own
from meshproof.judge.retries_timeouts.outcome import Ending, Try, endings, shifted
from meshproof.judge.retries_timeouts.reason import answered, ended, reason
from meshproof.judge.retries_timeouts.tally import Tally
from meshproof.judge.retries_timeouts.tries import TryRange, wrong_tries
from meshproof.judge.retries_timeouts.workload import inferred_tries, is_unmeasured, known_try
from meshproof.judge.sequential.share import ShareTest
from meshproof.judge.timing import EARLY, MACHINE
from meshproof.judge.wording import answer, joined
from meshproof.records import dataclass
from meshproof.scenario import Plan

LIMIT_FACTOR = 10
"""At most so many times the requests that should be enough are sent: where that is not enough, a fault aborts more than
its share, or the machine is late too often."""
CLOSED = "connection closed in mid-answer"
CUT = (CLOSED, "connection reset", "stream reset")
"""What a client sees of an answer that a proxy cuts off: Envoy ends the connection, or the stream."""
CLOSED_AFTER = 1.0
"""Seconds between that and the end of a connection of HTTP/1.1 (Envoy's delayed_close_timeout, which istiod leaves as
it is); resets come at once."""
LONGER = 2
"""Where the machine was late in all of them, a proxy that waits so many times as long is ruled out all the same."""


@dataclass(frozen=True, slots=True)
class Asked:
    """How requests that prescribe their answers are judged: by so many `times` each.

    `proxyless` says whether pods have no sidecar, so that they see the timeout headers that the client's proxy sends
    (None: these headers are not judged).
    """

    times: int
    proxyless: bool | None = None


class OutcomeTrial:
    """Holds each request against what `outcome.endings` says of it; the first that ends otherwise fails.

    What the workload does is known from what the request prescribes, or from the plan's `fault` of it; otherwise
    the observed answer shows it (`workload.inferred_tries`). `counting` judges the number of tries that reached a
    pod, too. Requests that the specification's own fault aborted must reach no pod, and are otherwise left out.

    With `asked` so many endings decide, because an ending follows from the request alone; so few prove nothing
    about lateness.
    """

    def __init__(
        self,
        check: str,
        plan: Plan,
        stage: int,
        request: int,
        rule: str,
        *,
        fault: WorkloadFault | None = None,
        counting: bool,
        asked: Asked | None = None,
    ) -> None:
        self.stage: int | None = stage
        self.request: int | None = request
        self.check = check
        self._plan = plan
        self._expectation: Expectation = plan.stages[stage][request]
        self._rule = rule
        self._fault = fault
        self._counting = counting
        self._asked = asked
        self._always = always = known_try(self._expectation, fault)
        self._known = endings(self._expectation, lambda _: always) if always else None
        rates = plan.precision
        self._test = ShareTest(0.0, rates.alpha, rates.beta, rates.tolerance, cap=rates.max_requests)
        self.limit = self._test.cap
        self._most = rates.max_requests or LIMIT_FACTOR * self._test.enough
        if asked is not None:
            abort = self._expectation.abort
            self.limit = ceil(LIMIT_FACTOR * asked.times / (1 - abort.share if abort and abort.share < 1 else 1))
            self._most = self.limit
        self._tally = Tally()

    def observe(self, observation: Observation) -> None:
        late = max(observation.stalled, observation.waited)
        if late and self._depends_on(observation, late):
            self._tally.excuse(observation)
            return
        wrong = self._judge(observation)
        if wrong:
            self._tally.wrong_answers[wrong] += 1
            self._tally.first = self._tally.first or observation.id
        self._test.add(bool(wrong))

    def _judge(self, observation: Observation) -> str:
        """What is wrong with this answer; empty when nothing is."""
        tally = self._tally
        by_pod = bool(observation.pod or observation.workload)
        abort, delay = self._expectation.abort, self._expectation.delay
        if abort is not None and abort.share and is_own(observation, abort.status, abort.grpc_status):
            tally.expected_tries[observation.id] = TryRange(0, 0)
            return ""
        tally.latencies.append(observation.latency)
        tally.answers[answer(observation)] += 1
        quick, slow = self._endings(observation)
        tally.expected_tries[observation.id] = TryRange.of(quick, slow)
        if not any(ended_so(observation, one) for one in (quick, slow)):
            wanted = " or ".join(dict.fromkeys(answered(one) for one in (quick, slow)))
            return f"{answer(observation)}, {wanted} was to be expected"
        if not (observation.status or quick.cut):
            return ""
        held = delay.seconds if delay else 0.0
        least = min(quick.seconds, slow.seconds) + (held if delay and delay.share == 1 else 0.0)
        least += CLOSED_AFTER if quick.cut and slow.cut and observation.error.startswith(CLOSED) else 0.0
        if observation.latency < least - EARLY:
            wrong = f"{answer(observation)} before {least:g} s were over"
            if observation.latency < least - MACHINE:
                return wrong
            tally.early_answers[wrong] += 1
            tally.first = tally.first or observation.id
            return ""
        if (quick.cut or not by_pod) and (quick.timed_out or slow.timed_out):
            own = max(observation.stalled, observation.waited)
            specified, twice = max(quick.seconds, slow.seconds), LONGER * min(quick.seconds, slow.seconds)
            after = observation.latency - held
            told = after <= max(specified + MACHINE, twice - EARLY)
            tally.late(after - own - specified, observation, told=told)
        return ""

    def _endings(self, observation: Observation) -> tuple[Ending, Ending]:
        if self._known:
            return self._known
        self._tally.unmeasured += is_unmeasured(self._expectation, self._fault, observation)
        return endings(self._expectation, self._tries(observation))

    def _tries(self, observation: Observation) -> Callable[[int], Try]:
        always = self._always
        return (lambda _: always) if always else inferred_tries(self._expectation, self._fault, observation)

    def _depends_on(self, observation: Observation, late: float) -> bool:
        """Whether it would end otherwise were the workload later or earlier by so many seconds."""
        tries = self._tries(observation)
        plain = endings(self._expectation, tries)
        return any(endings(self._expectation, shifted(tries, seconds)) != plain for seconds in (late, -late))

    @property
    def refuted(self) -> bool:
        return bool(self._tally.wrong)

    @property
    def decided(self) -> bool:
        if self._tally.excused + self._test.n >= self._most:
            return True
        if self._asked is None:
            return self._test.closed and not self._untold
        return bool(self._tally.wrong_answers) or not self.wanted

    @property
    def _common(self) -> bool:
        """Whether it is the rule that requests time out: a workload does the same with every one of them.

        Where few do, the machine delayed those.
        """
        return 2 * self._tally.timed_out > self._test.n and self._asked is None

    @property
    def _untold(self) -> bool:
        """Whether the time is right only for the lateness of the machine, and twice as long would have been, too."""
        return self._common and not (self._tally.told or self._late or self._tally.wrong)

    @property
    def _late(self) -> bool:
        """Whether even the quickest was late beside the machine, or as many as are enough were though it was not."""
        tally = self._tally
        if not self._common or tally.lateness is None:
            return False
        return tally.lateness > MACHINE or (not tally.told and tally.plainly_late >= self._test.enough)

    @property
    def wanted(self) -> int:
        """How many more endings are needed of those that were `asked` for."""
        return max(0, self._asked.times - len(self._tally.latencies)) if self._asked else 0

    @property
    def count(self) -> int:
        return self._test.n

    @property
    def specified(self) -> str:
        """What is specified, in words, where it is known what the workload does."""
        return " or ".join(dict.fromkeys(map(ended, self._known or ())))

    @property
    def seen(self) -> str:
        """The answers, in words."""
        return joined(sorted(self._tally.answers))

    def arms(self) -> tuple[ArmResult, ...]:
        return ()

    def examine(self, books: Books) -> None:
        if self._counting:
            self.count_tries(join(books, primary_traits(self._plan)))

    def count_tries(self, arrived: Joined) -> None:
        """Hold the tries that arrived against those to be expected, unless the books have lost some."""
        self._tally.wrong_tries.clear()
        if arrived.forgotten:
            return
        proxyless = self._asked.proxyless if self._asked else None
        for id, wrong in wrong_tries(self._expectation, self._tally.expected_tries, arrived, proxyless=proxyless):
            self._tally.wrong_tries[wrong] += 1
            self._tally.first = self._tally.first or id

    def conclude(self, books: Books) -> Verdict:
        return self.concluded(join(books, primary_traits(self._plan)) if self._counting else None)

    def concluded(self, arrived: Joined | None) -> Verdict:
        """The verdict; `arrived` is what pods received, None where tries are not counted."""
        if arrived:
            self.count_tries(arrived)
        forgotten = arrived.forgotten if arrived else 0
        outcome, n = self._outcome(forgotten), self._test.n
        needed = n + self.wanted if self._asked else self._test.enough
        return Verdict(
            self._plan.scenario,
            self.check,
            outcome,
            reason(outcome, self._tally, self._rule, n, needed, forgotten, counting=self._counting),
            n=n,
            request=str(self._expectation.request),
            stage=self.stage or 0,
            evidence=self._tally.evidence(forgotten),
        )

    def _outcome(self, forgotten: int) -> Outcome:
        tally = self._tally
        if tally.wrong or tally.early or self._late:
            return Outcome.FAILED
        if forgotten or tally.unmeasured or self._untold:
            return Outcome.INCONCLUSIVE
        if self._asked is None:
            return self._test.outcome
        return Outcome.INCONCLUSIVE if self.wanted else Outcome.PASSED


def ended_so(observation: Observation, ending: Ending) -> bool:
    """Whether a request was answered as this ending says, by the pod or by a proxy."""
    if ending.cut:
        return not observation.status and observation.error.startswith(CUT)
    if ending.by_pod or not ending.status:
        by_pod = bool(observation.pod or observation.workload)
        return (observation.status, by_pod) == (ending.status, ending.by_pod)
    if ending.timed_out and ending.grpc_status is not None and observation.grpc_status == DEADLINE_EXCEEDED:
        # The pod's own sidecar counts the same time by grpc-timeout, and may be the first to end the call.
        return is_own(observation, ending.status, DEADLINE_EXCEEDED)
    return is_own(observation, ending.status, ending.grpc_status)
