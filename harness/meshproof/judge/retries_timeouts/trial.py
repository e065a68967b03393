"""Whether each request ends as its timeout and its retries make it end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from math import ceil, inf

from meshproof.border.books import Books
from meshproof.border.expectation import Expectation
from meshproof.border.observation import Observation
from meshproof.border.prescription import prescription
from meshproof.border.verdict import ArmResult, Outcome, Verdict
from meshproof.border.workload_fault import WorkloadFault
from meshproof.judge.arrivals import Joined, join, primary_traits
from meshproof.judge.retries_timeouts.outcome import TIMED_OUT, Ending, Try, endings
from meshproof.judge.retries_timeouts.timeout_headers import wrong_timeout_headers
from meshproof.judge.sequential.share import ShareTest
from meshproof.judge.timing import EARLY, MACHINE, service_time
from meshproof.judge.wording import answer, counted, joined, kinds
from meshproof.scenario import Plan

NEVER = Try(0, inf)
# So many times what is expected to be enough: beyond, requests are aborted that are not specified to be.
CLIENT_TIMEOUT = 10


class OutcomeTrial:
    """Holds each request against what `fate.endings` says of it; the first that ends otherwise fails.

    What the workload does is known from what the request prescribes, and from the plan's upset of it. Without
    either, and once its upset is over, the observed answer tells: a workload that is not upset does the same
    with every try, and one that had not answered when the proxy did was too slow. `counting` looks at the number
    of tries that reached a pod, too. Requests that the specification's own fault aborted must reach none, and are
    otherwise not looked at.

    With `times` so many endings decide, because an ending follows from the request alone; that they are late
    proves nothing then. Unless `bare` is None, what the proxy told the pods of its limit is looked at too
    (`announced.announced`, which it is for).
    """

    def __init__(
        self,
        check: str,
        plan: Plan,
        stage: int,
        request: int,
        fault: WorkloadFault | None,
        rule: str,
        *,
        counting: bool,
        times: int | None = None,
        proxyless: bool | None = None,
    ) -> None:
        self.stage: int | None = stage
        self.request: int | None = request
        self.check = check
        self._plan = plan
        self._expectation: Expectation = plan.stages[stage][request]
        self._rule = rule
        self._counting = counting
        self._fault = fault
        self._times = times
        self._proxyless = proxyless
        always = _always(self._expectation, fault)
        self._known = endings(self._expectation, lambda _: always) if always else None
        delay = self._expectation.delay
        self._held = (0.0, 0.0) if delay is None else (delay.seconds * (delay.share == 1), delay.seconds)
        rates = plan.precision
        self._test = ShareTest(0.0, rates.alpha, rates.beta, rates.tolerance, cap=rates.max_requests)
        self.limit = self._test.cap
        if times is not None:
            abort = self._expectation.abort
            self.limit = ceil(CLIENT_TIMEOUT * times / (1 - abort.share if abort and abort.share < 1 else 1))
        self._tries: dict[str, tuple[int, int]] = {}
        self._answers: Counter[str] = Counter()
        self._misanswered: Counter[str] = Counter()
        self._miscounted: Counter[str] = Counter()
        self._first = ""
        self._lateness: float | None = None
        self._latencies: list[float] = []
        self._timed_out = 0
        self._unmeasured = 0

    def observe(self, observation: Observation) -> None:
        wrong = self._look(observation)
        if wrong:
            self._misanswered[wrong] += 1
            self._first = self._first or observation.id
        self._test.add(bool(wrong))

    def _look(self, observation: Observation) -> str:
        """What is wrong with this answer; empty when nothing is."""
        by_pod = bool(observation.pod or observation.workload)
        abort = self._expectation.abort
        if abort is not None and abort.share and not by_pod and observation.status == abort.status:
            self._tries[observation.id] = (0, 0)
            return ""
        self._latencies.append(observation.latency)
        self._answers[answer(observation)] += 1
        quick, slow = self._known or endings(self._expectation, self._workload(observation))
        self._tries[observation.id] = (
            min(quick.arrivals, slow.arrivals),
            max(quick.arrivals, slow.arrivals),
        )
        if not any((observation.status, by_pod) == (one.status, one.by_pod) for one in (quick, slow)):
            wanted = " or ".join(dict.fromkeys(_words(one) for one in (quick, slow)))
            return f"{answer(observation)}, {wanted} was to be expected"
        if not observation.status:
            return ""
        least, most = self._held
        if observation.latency < min(quick.seconds, slow.seconds) + least - EARLY:
            return f"{answer(observation)} before {min(quick.seconds, slow.seconds) + least:g} s were over"
        if not by_pod and observation.status == TIMED_OUT:
            self._timed_out += 1
            late = observation.latency - max(quick.seconds, slow.seconds) - most
            self._lateness = late if self._lateness is None else min(late, self._lateness)
        return ""

    def _workload(self, observation: Observation) -> Callable[[int], Try]:
        """What the workload does, as far as only this answer tells."""
        by_pod = observation.pod or observation.workload
        fault = self._fault
        if fault is not None and fault.tries is not None:
            first, tries, then = (
                _misbehaving(fault),
                fault.tries,
                Try(observation.status if by_pod else 200),
            )
            return lambda number: first if number <= tries else then
        if not by_pod:
            return lambda _: NEVER if observation.status in (0, TIMED_OUT) else Try(200)
        waited = service_time(observation.headers)
        self._unmeasured += waited is None and self._expectation.timeout is not None
        # An answer and the end of the time for it may be read in one turn of the proxy's loop.
        whole = max(0.0, (waited or 0.0) - MACHINE)
        once, _ = endings(self._expectation, lambda _: Try(observation.status))
        return lambda _: Try(observation.status, whole / once.arrivals)

    @property
    def _wrong(self) -> Counter[str]:
        return self._misanswered + self._miscounted

    @property
    def refuted(self) -> bool:
        return bool(self._misanswered or self._miscounted)

    @property
    def decided(self) -> bool:
        if self._times is None:
            return self._test.closed
        return bool(self._misanswered) or not self.wanted or self._test.n >= self.limit

    @property
    def wanted(self) -> int:
        """How many more endings it needs, where `times` says so."""
        return max(0, (self._times or 0) - len(self._latencies))

    @property
    def count(self) -> int:
        return self._test.n

    @property
    def specified(self) -> str:
        """What is specified, in words, where it is known what the workload does."""
        ends = dict.fromkeys(f"{_words(one)}, at a pod {_times(one.arrivals)}" for one in self._known or ())
        return " or ".join(ends)

    @property
    def seen(self) -> str:
        """The answers, in words."""
        return joined(sorted(self._answers))

    def arms(self) -> tuple[ArmResult, ...]:
        return ()

    def examine(self, books: Books) -> None:
        if self._counting:
            self.count_tries(join(books, primary_traits(self._plan)))

    def conclude(self, books: Books) -> Verdict:
        return self.concluded(join(books, primary_traits(self._plan)) if self._counting else None)

    def concluded(self, arrived: Joined | None) -> Verdict:
        """The verdict, with what pods received where that is counted."""
        forgotten = self.count_tries(arrived) if arrived else 0
        # A workload does the same with every request: where few run out of time, the machine held those up.
        common = 2 * self._timed_out > self._test.n and self._times is None
        late = common and self._lateness is not None and self._lateness > MACHINE
        outcome = self._test.outcome
        if self._times is not None:
            outcome = Outcome.INCONCLUSIVE if self.wanted else Outcome.PASSED
        if self._wrong or late:
            outcome = Outcome.FAILED
        elif forgotten or self._unmeasured:
            outcome = Outcome.INCONCLUSIVE
        times = sorted(self._latencies)
        return Verdict(
            self._plan.scenario,
            self.check,
            outcome,
            self._reason(outcome, forgotten),
            n=self._test.n,
            request=str(self._expectation.request),
            stage=self.stage or 0,
            evidence={
                "answers": dict(self._answers),
                "wrong": dict(self._wrong),
                "first": self._first,
                "quickest": times[0] if times else None,
                "median": times[len(times) // 2] if times else None,
                "slowest": times[-1] if times else None,
                "least_lateness": self._lateness,
                "early": EARLY,
                "allowance": MACHINE,
                "forgotten": forgotten,
            },
        )

    def count_tries(self, arrived: Joined) -> int:
        """Hold the tries that arrived against those to be expected; how many arrivals the books have lost."""
        self._miscounted.clear()
        if arrived.forgotten:
            return arrived.forgotten
        for id, (least, most) in self._tries.items():
            tries = arrived.primaries.get(id, ())
            number = len(tries)
            if not least <= number <= most:
                wanted = f"{least}" if least == most else f"{least} to {most}"
                self._miscounted[f"received by a pod {_times(number)}, {wanted} was to be expected"] += 1
                self._first = self._first or id
            if self._proxyless is not None and (
                told := wrong_timeout_headers(self._expectation, tries, proxyless=self._proxyless)
            ):
                self._miscounted[told] += 1
                self._first = self._first or id
        return 0

    def _reason(self, outcome: Outcome, forgotten: int) -> str:
        n, late = self._test.n, self._lateness
        if not n:
            return "no request was observed"
        if self._wrong:
            return f"{kinds(self._wrong, n)}; {self._rule}; the first was request {self._first}"
        if outcome is Outcome.FAILED and late is not None:
            return (
                f"even the quickest of {n:,} requests was answered {late:.3f} s after the specified time, where "
                f"{MACHINE:g} s are allowed; {self._rule}"
            )
        if forgotten:
            return f"the workloads' books are full: {forgotten:,} requests are counted but not kept"
        if self._unmeasured:
            return (
                f"{counted(self._unmeasured, n)} answered without the header that says how long the proxy waited: "
                'Load(headers=("x-envoy-upstream-service-time",)) keeps it'
            )
        if outcome is not Outcome.PASSED:
            enough = self._test.enough if self._times is None else n + self.wanted
            return f"only {n:,} requests were observed, {enough:,} are needed; all ended as specified"
        parts = [kinds(self._answers, n)] if self._answers else []
        if self._latencies:
            parts.append(f"the quickest after {min(self._latencies):.3f} s")
        if self._counting:
            parts.append(self._arrivals())
        return f"{', '.join(parts)}; {self._rule}"

    def _arrivals(self) -> str:
        ranges = {(least, most) for least, most in self._tries.values() if most}
        words = (_times(least) if least == most else f"{least} to {most} times" for least, most in sorted(ranges))
        return f"and each was received by a pod {joined(words)}" if ranges else "and none was received by a pod"


def _always(expectation: Expectation, fault: WorkloadFault | None) -> Try | None:
    """What the workload does with every try; None where that is not known ahead."""
    asked = prescription(expectation.request)
    if asked:
        return Try(asked.status, asked.seconds, asked.grpc_status)
    return _misbehaving(fault) if fault and fault.tries is None else None


def _misbehaving(fault: WorkloadFault) -> Try:
    """What an upset workload does with a try that meets the upset."""
    if fault.hang:
        return NEVER
    return Try(
        0 if fault.reset and not fault.status else fault.status or 200,
        fault.latency,
    )


def _words(one: Ending) -> str:
    if not one.status:
        return "no answer"
    return f"{one.status} by {'a pod' if one.by_pod else 'the proxy'}"


def _times(number: int) -> str:
    return {0: "never", 1: "once", 2: "twice"}.get(number, f"{number} times")
