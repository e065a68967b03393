"""Hosts that fail are ejected when the rule says so, and for as long as it says."""

from __future__ import annotations

from collections.abc import Sequence

from meshproof.border.books import Books, Mark, Stall
from meshproof.border.expectation import Ejection, Expectation
from meshproof.border.steps import Fault
from meshproof.border.verdict import Outcome, Verdict
from meshproof.judge import ejections as rules
from meshproof.judge.after_load import AfterLoad
from meshproof.judge.ejection_power import soonest
from meshproof.judge.ejection_times import MACHINE, MERGE_WINDOW, pause
from meshproof.judge.expectations import limited_by
from meshproof.judge.outlier_detection.timeline import Timeline, interval_untold, known, spans
from meshproof.records import dataclass
from meshproof.scenario import Plan, Trial

LONGEST_WAIT = 60.0
LATE = 0.5
AT_ONCE = 8
# So many stretches of a load are searched for hosts that got no request; α is shared among them.
STRETCHES = 5


@dataclass(frozen=True)
class OutlierDetection:
    """What `outlierDetection` says, for the first request of an `ejection` load.

    Counts are exact: so many errors in a row eject a host, one fewer does not, and errors that no detector
    counts never do; so many hosts are ejected at once when all fail, and no more. An ejected host gets
    no requests once Envoy has merged the change (a second), the others get them all; where no host is left the answer
    is 503, and where too few are left all hosts are used. The time of return, and that the second ejection lasts
    longer, is judged to a tick of the rule's own `interval`. A rule whose second ejection lasts longer than
    `longest_wait` seconds stays undecided. With `exactly` a third of the interval and three times as much are to be
    ruled out too, by further ejections where a busy machine saw these too inexactly.
    """

    name: str = "OutlierDetection"
    longest_wait: float = LONGEST_WAIT
    exactly: bool = True

    def begin(self, plan: Plan) -> Sequence[Trial]:
        return [EjectionTrial(self.name, plan, self.longest_wait, exactly=self.exactly)]

    def drawn(self, plan: Plan) -> int:  # noqa: ARG002
        """The draws of the balancer, by which it is seen where traffic goes."""
        return 1


class EjectionTrial(AfterLoad):
    """One rule in force; what was marked and what clients saw is judged when the load has ended."""

    def __init__(self, check: str, plan: Plan, longest_wait: float = LONGEST_WAIT, *, exactly: bool = True) -> None:
        super().__init__()
        self.stage: int | None = 0
        self.request: int | None = 0
        self.check = check
        self._plan = plan
        self._expectation: Expectation = plan.stages[0][0]
        self._longest_wait = longest_wait
        self._exactly = exactly
        arms = self._expectation.arms
        self._rule: Ejection | None = arms[0].policy.ejection if len(arms) == 1 else None
        self._why = self._lacking()
        self.workloads: Sequence[str] = () if self._why else sorted(arms[0].workloads)
        self.enough = rules.enough(self._rule) if self._rule else 0
        self.limit = self.enough
        self.soon = self._rule.interval if self._rule else 0.0
        # What a limit of connections or requests refuses would be no error of a host.
        self.at_once = AT_ONCE if len(arms) == 1 and arms[0].policy.pool is None else 1

    def faults(self, hosts: int) -> tuple[Sequence[Fault], Sequence[Fault]]:
        """With so many hosts: the faults that eject nobody, and one for each ejection to make."""
        assert self._rule is not None
        return rules.faults(self._rule, hosts)

    def stretch(self, hosts: int) -> int:
        """How many requests show where traffic goes."""
        return rules.stretch(hosts, self._plan.precision.shared(self._plan.drawn).alpha / STRETCHES)

    def lasting(self, ejection: int) -> float:
        """Seconds that the first (0) ejection lasts at least, or a later one that came soon after each before it."""
        assert self._rule is not None
        return rules.duration(self._rule, ejection + 1)

    def pause(self, ejection: int) -> float:
        """Seconds after a return at which the ejection of this number shows the interval best."""
        assert self._rule is not None
        return pause(self._rule, ejection + 1)

    def rest(self, marks: Sequence[Mark], stalls: Sequence[Stall]) -> float:
        """Seconds after the last return at which one more ejection tells the interval."""
        assert self._rule is not None
        return soonest(self._rule, known(self._rule, spans(marks), stalls), stalls)

    def wanting(self, marks: Sequence[Mark], stalls: Sequence[Stall]) -> bool:
        """Whether one more ejection is needed, because what was seen does not tell the interval."""
        return (
            self._exactly and self._rule is not None and interval_untold(self._rule, spans(marks), stalls) is not None
        )

    def timeout(self, ejection: int) -> float:
        """Seconds after which a host must be back from its first (0) or a later ejection."""
        return self.lasting(ejection) + self.soon + MACHINE + LATE

    def conclude(self, books: Books) -> Verdict:
        outcome, reason = self._decide(books)
        return Verdict(
            self._plan.scenario,
            self.check,
            outcome,
            reason,
            n=self.count,
            request=str(self._expectation.request),
            evidence={
                "rule": str(self._rule.location or "") if self._rule else "",
                "merge_window": MERGE_WINDOW,
                "machine": MACHINE,
                "marks": [_plain(mark) for mark in books.marks],
            },
        )

    def _lacking(self) -> str:
        """Why ejection cannot be judged; empty when it can."""
        count = len(self._expectation.arms)
        if count != 1:
            return f"{self._expectation.request} leads to {count} destinations: ejection is judged where there is one"
        if len(self._plan.stages) > 1:
            return "ejection is judged in scenarios of one stage: a host's earlier ejections would count in the next"
        rule = self._rule
        if rule is None:
            return f"no outlierDetection is specified for {self._expectation.request}"
        longest = rules.duration(rule, rules.EJECTIONS) + rule.interval
        if longest > self._longest_wait:
            return (
                f"a second ejection by {rule.location} lasts {longest:g} s with its interval, longer than the "
                f"{self._longest_wait:g} s that are waited: give the rule a shorter baseEjectionTime to prove it"
            )
        return ""

    def _decide(self, books: Books) -> tuple[Outcome, str]:
        if self._why or self._rule is None:
            return Outcome.INCONCLUSIVE, self._why
        if not any(mark.name == "hosts" for mark in books.marks):
            return Outcome.INCONCLUSIVE, "no pod was made to fail: it was not driven by an ejection load"
        timeline = Timeline(self._rule, books, self.workloads, self._seen, self.stretch, exactly=self._exactly)
        found = timeline.faults()
        if found:
            applied = limited_by(self._plan, 0, self.request or 0, "outlierDetection")
            return Outcome.FAILED, f"{found[0]} (outlierDetection at {self._rule.location}{applied})"
        lacking = timeline.lacking()
        if lacking:
            return Outcome.INCONCLUSIVE, lacking
        return Outcome.PASSED, f"{timeline.summary()}, as specified at {self._rule.location}"


def _plain(mark: Mark) -> dict[str, float | str]:
    return {"name": mark.name, "at": round(mark.at, 3), **{key: round(value, 3) for key, value in mark.values.items()}}
