"""Where pods of one place are ejected, those of the next place take over, and give way when they are back."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, log

from meshproof.border.books import Books, Mark, Stall
from meshproof.border.expectation import Ejection, Expectation
from meshproof.border.steps import Fault
from meshproof.border.verdict import Outcome, Verdict
from meshproof.judge import ejections as rules
from meshproof.judge.after_load import AfterLoad
from meshproof.judge.ejection_power import soonest, unclear, untold
from meshproof.judge.ejection_times import forgotten
from meshproof.judge.localities.returns import apart, judge_returns, known
from meshproof.judge.wording import joined
from meshproof.records import dataclass
from meshproof.scenario import Plan, Trial

LONGEST_WAIT = 60.0
# Seconds that a return may take beside its ejection and a tick of the interval: Envoy gathers changes for one.
LATE = 3.0


@dataclass(frozen=True)
class LocalityFailover:
    """The order in which places take over for each other, for the first request of a `failover` load.

    All pods of the nearest place fail until they are ejected, then those of the next, up to the last; then all are well
    again. Exact: between one change and the next every request is answered by a pod of the place whose turn it is, and
    of several pods there each answers some. How long each pod is out, and how many ticks of `interval` come between one
    return and the next, is judged as by OutlierDetection. A place whose pods the rule does not let be ejected all at
    once (maxEjectionPercent) stays undecided, as does a rule whose ejections last longer than `longest_wait` seconds.
    `exactly` is that of OutlierDetection.
    """

    name: str = "LocalityFailover"
    longest_wait: float = LONGEST_WAIT
    exactly: bool = True

    def begin(self, plan: Plan) -> Sequence[Trial]:
        return [FailoverTrial(self.name, plan, self.longest_wait, exactly=self.exactly)]


class FailoverTrial(AfterLoad):
    """What was marked and what clients saw is judged when the load has ended."""

    def __init__(self, check: str, plan: Plan, longest_wait: float = LONGEST_WAIT, *, exactly: bool = True) -> None:
        super().__init__()
        self.check = check
        self.stage: int | None = 0
        self.request: int | None = 0
        self._plan = plan
        self._exactly = exactly
        self._expectation: Expectation = plan.stages[0][0]
        arms = self._expectation.arms
        self._arm = arms[0] if len(arms) == 1 else None
        self._rule: Ejection | None = self._arm.policy.ejection if self._arm else None
        places = self._arm.localities if self._arm else None
        self.levels: Sequence[Sequence[str]] = [sorted(level) for level in places.levels] if places else []
        self._why = self._lacking(longest_wait)
        self.levels = [] if self._why else self.levels
        self.enough = rules.enough(self._rule) if self._rule else 0
        # So many requests find a part of delta that goes elsewhere.
        self.stretch = ceil(log(plan.precision.beta) / log(1 - plan.precision.tolerance))
        self.limit = self.stretch
        self.shortest = rules.duration(self._rule, 1) if self._rule else 0.0

    def fault(self, hosts: int) -> Fault | None:
        """What ejects a pod, None where nothing does."""
        return next((one for one in rules.faults(self._rule, hosts)[1] if one.errors), None) if self._rule else None

    def may_eject(self, hosts: int, of: int) -> bool:
        """Whether so many pods of so many may be ejected at once."""
        return self._rule is not None and rules.allowed(self._rule, of) >= hosts

    def back_within(self, times: int) -> float:
        """Seconds after which a pod must be back that has been ejected so many times."""
        return rules.duration(self._rule, times) + self._rule.interval + LATE if self._rule else 0.0

    def apart(self, at_least: float) -> float:
        """Seconds, so many or some more, from one place's ejection to the next one's that tell most."""
        return apart(self._rule, at_least) if self._rule else at_least

    def rest(self, marks: Sequence[Mark], stalls: Sequence[Stall]) -> float:
        """Seconds after the last return at which one more ejection tells the interval."""
        return soonest(self._rule, known(marks), stalls) if self._rule else 0.0

    def forgotten(self, times: int) -> float:
        """Seconds after a return after which an ejection lasts as long as a first one, after so many in a row."""
        return forgotten(self._rule, times) if self._rule else 0.0

    def wanting(self, marks: Sequence[Mark], stalls: Sequence[Stall]) -> bool:
        """Whether one more ejection is needed, because what was seen does not tell the interval."""
        return self._untold(marks, stalls) is not None

    def _untold(self, marks: Sequence[Mark], stalls: Sequence[Stall]) -> float | None:
        return untold(self._rule, known(marks), stalls) if self._rule and self._exactly else None

    def conclude(self, books: Books) -> Verdict:
        outcome, reason = (Outcome.INCONCLUSIVE, self._why) if self._why else self._decide(books)
        marks = [{"name": one.name, "at": round(one.at, 3), **one.values} for one in books.marks]
        return Verdict(
            self._plan.scenario,
            self.check,
            outcome,
            reason,
            n=self.count,
            request=str(self._expectation.request),
            evidence={"levels": [list(level) for level in self.levels], "marks": marks},
        )

    def _lacking(self, longest_wait: float) -> str:
        """Why it cannot be judged; empty where it can."""
        asked = self._expectation.request
        if self._arm is None:
            return f"{asked} leads to {len(self._expectation.arms)} destinations: failover is judged where there is one"
        if len(self.levels) < 2 or self._rule is None:
            return f"no place is to take over for another one for {asked}"
        longest = rules.duration(self._rule, len(self.levels)) + self._rule.interval
        if longest > longest_wait:
            return (
                f"an ejection lasts {longest:g} s with its interval, longer than the {longest_wait:g} s that are waited"
            )
        return ""

    def _decide(self, books: Books) -> tuple[Outcome, str]:
        marks = books.marks
        said = self._arm.localities if self._arm else None
        where = said.location if said else None
        place = f" ({said.name} at {where})" if said and where else " (Istio's default, by outlierDetection)"
        for mark in marks:
            if mark.name == "stayed":
                level = self._named(int(mark.values["level"]))
                errors = f"{int(mark.values['errors'])} errors in a row"
                return Outcome.FAILED, f"{errors} of each pod of {level} did not eject them all{place}"
            if mark.name == "ejected":
                level, needed = self._named(int(mark.values["level"])), int(mark.values["needed"])
                few, many = int(mark.values["errors"]), int(mark.values["most"])
                if few < needed or many > needed:
                    seen = few if few < needed else many
                    return Outcome.FAILED, f"{seen} errors in a row ejected a pod of {level}, where {needed} do"
            if mark.name == "early":
                soon = f"a pod was back {mark.values['seconds']:.1f} s after it began to fail"
                return Outcome.FAILED, f"{soon}, where the first ejection lasts {self.shortest:g} s"
            if mark.name == "capped":
                level = self._named(int(mark.values["level"]))
                return Outcome.INCONCLUSIVE, f"maxEjectionPercent does not let all pods of {level} be ejected at once"
            if mark.name == "kept":
                base = self._rule.base_ejection_time if self._rule else 0.0
                late = f"pods were still ejected {mark.values['seconds']:.1f} s after they were well again"
                return Outcome.FAILED, f"{late}, where the first ejection lasts {base:g} s{place}"
            if mark.name == "turn" and (wrong := self._wrong(mark)):
                return Outcome.FAILED, f"{wrong}{place}"
        if self._rule and (wrong := judge_returns(self._rule, marks, books.stalls)):
            return Outcome.FAILED, f"{wrong} (outlierDetection at {self._rule.location}){place}"
        if any(mark.name == "unsteady" for mark in marks):
            why = "the machine is too slow, or baseEjectionTime is too short"
            return Outcome.INCONCLUSIVE, f"pods were back before it was seen who took over: {why}"
        turns = [mark for mark in marks if mark.name == "turn"]
        if len(turns) < len(self.levels) + 1:
            return Outcome.INCONCLUSIVE, "no pod was made to fail: it was not driven by a failover load"
        other = self._untold(marks, books.stalls)
        if self._rule and other is not None:
            return Outcome.INCONCLUSIVE, unclear(self._rule, other)
        order = ", then ".join(self._named(number) for number in range(len(self.levels)))
        return Outcome.PASSED, f"{order} answered as those before were ejected, and the first again when back{place}"

    def _wrong(self, mark: Mark) -> str:
        """What is wrong with the answers of one stretch, in which a place has its turn; empty where nothing is."""
        level, since, until = int(mark.values["level"]), mark.values["since"], mark.values["until"]
        keys = self.levels[level]
        own = [one for one in self._seen if since <= one.started <= until]
        when = f"while it was the turn of {self._named(level)}"
        for one in own:
            if one.workload not in keys:
                who = one.pod or (f"the proxy, with {one.status}," if one.status else "nobody")
                return f"{when}, {who} answered"
        silent = [key for key in keys if all(one.workload != key for one in own)]
        return f"{when}, none of {len(own)} answers was of {joined(silent)}" if silent else ""

    def _named(self, level: int) -> str:
        return joined(self.levels[level])
