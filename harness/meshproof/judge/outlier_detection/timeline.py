"""The timeline of a load's ejections, held against the rule."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import chain

from meshproof.border.books import Books, Mark, Stall, stalled
from meshproof.border.expectation import Ejection
from meshproof.border.observation import Observation
from meshproof.border.steps import Fault
from meshproof.judge.ejection_power import Known, unclear, untold
from meshproof.judge.ejection_times import MACHINE, MERGE_WINDOW, Span, judge_alone, judge_tick, multipliers
from meshproof.judge.ejections import allowed, faults, reachable
from meshproof.judge.wording import answer

Stretch = tuple[frozenset[int], list[Observation]]


def spans(marks: Sequence[Mark]) -> list[Span]:
    """The ejections that were driven to their end."""
    ends = {int(mark.values["number"]): mark for mark in marks if mark.name in ("returned", "kept")}
    found = []
    for mark in marks:
        if mark.name == "ejected" and (end := ends.get(int(mark.values["number"]))) is not None:
            returned = end.at if end.name == "returned" else None
            found.append(Span(int(mark.values["number"]), mark.values["sent"], mark.at, end.values["still"], returned))
    return found


def known(rule: Ejection, several: Sequence[Span], stalls: Sequence[Stall]) -> list[Known]:
    """Ejections of one host, each with how many times the base it lasts."""
    each = multipliers(rule, several, stalls)
    return [Known(span, multiplier) for span, multiplier in zip(several, each, strict=True)]


def interval_untold(rule: Ejection, several: Sequence[Span], stalls: Sequence[Stall]) -> float | None:
    """An interval that is not ruled out by these ejections of one host; None where each is."""
    return untold(rule, known(rule, several, stalls), stalls)


class Timeline:
    """The marks and observations of one load in the order of time; `stretch` is that of an Ejecting trial.

    Unless `exactly` is False, another interval is to be ruled out.
    """

    def __init__(
        self,
        rule: Ejection,
        books: Books,
        workloads: Sequence[str],
        seen: Sequence[Observation],
        stretch: Callable[[int], int],
        *,
        exactly: bool = True,
    ) -> None:
        self.rule = rule
        self.books = books
        self.seen = seen
        self._stretch = stretch
        self._exactly = exactly
        self.pods = [pod.pod for key in workloads for pod in books.pods if pod.workload == key]
        self.hosts = len(self.pods)
        self.harmless, self.fatal = faults(rule, self.hosts)
        self.spans = spans(books.marks)

    def _marks(self, *names: str) -> list[Mark]:
        return [mark for mark in self.books.marks if mark.name in names]

    def faults(self) -> list[str]:
        """What is wrong; empty when nothing is."""
        return [
            text
            for judged in (self._spared(), self._counts(), self._times(), self._traffic(), self._cap())
            for text in judged
            if text
        ]

    def lacking(self) -> str:
        """Why the timeline shows too little; empty when it shows all that the rule says."""
        for mark in self._marks("missed"):
            took, lasts = mark.values["seconds"], self.rule.base_ejection_time
            return f"a look at the hosts took {took:.1f} s, and an ejection of {lasts:g} s may have been over before it"
        if len(self._marks("harmless")) < len(self.harmless):
            return "the host that failed got no traffic any more after its failures"
        if not self.fatal:
            return ""
        for mark in self._marks("spared"):
            if (met := int(mark.values["after"])) < self._wanted(mark):
                return f"a host that failed met no more than {_errors(met, mark)}, too few to eject it"
        if len(self.spans) >= len(self.fatal) and not self._marks("still"):
            return "hosts came back before it was seen where traffic goes while all of them failed"
        if len(self.spans) < len(self.fatal):
            return f"only {len(self.spans)} of {len(self.fatal)} ejections were driven to their end"
        if not any(one.longer for one in multipliers(self.rule, self.spans, self.books.stalls)):
            return (
                f"no ejection came within an interval of {self.rule.interval:g} s after a return: whether a second one "
                "lasts longer was not seen"
            )
        one_ejected, all_failing = self._stretches()
        if not any(during for ejected, during in chain(one_ejected, all_failing) if ejected):
            return "no request was made while a host was surely ejected"
        if not any(int(mark.values["most"]) == allowed(self.rule, self.hosts) for mark in self._marks("capped")):
            return "hosts came back before all of them had failed: how many are ejected at once was not seen"
        if not any(len(during) >= self._stretch(self.hosts) for _, during in all_failing):
            return f"hosts came back before {self._stretch(self.hosts)} requests had shown where traffic goes"
        other = self._untold()
        return unclear(self.rule, other) if other is not None else ""

    def _untold(self) -> float | None:
        return interval_untold(self.rule, self.spans, self.books.stalls) if self._exactly else None

    def summary(self) -> str:
        """What was seen, in words."""
        if not self.fatal:
            return f"none of {len(self.harmless)} kinds of error ejected any of {self.hosts} hosts"
        counts = [_errors(self._wanted(mark), mark) for mark in self._marks("ejected")]
        times = [f"{span.last_seen - span.first_seen:.1f} s" for span in self.spans]
        capped = max(mark.values["most"] for mark in self._marks("capped"))
        return (
            f"a host was ejected after {listed(counts)} and back after {listed(times)}, "
            f"and of {self.hosts} failing host{'s'[: self.hosts > 1]} {capped:g} {was(capped)} ejected at once"
        )

    def _spared(self) -> Iterator[str]:
        for mark in self._marks("harmless"):
            if mark.values["ejected"]:
                count = mark.values["errors"]
                yield f"a host was ejected after {_errors(int(count), mark)} in a row that no detector counts"
        for mark in self._marks("spared"):
            wanted, met = self._wanted(mark), int(mark.values["after"])
            if met >= wanted:
                yield f"{_errors(met, mark)} in a row did not eject a host; {wanted} should"

    def _counts(self) -> Iterator[str]:
        for mark in self._marks("ejected"):
            before, after, wanted = int(mark.values["before"]), int(mark.values["after"]), self._wanted(mark)
            if not before < wanted <= after:
                yield f"a host was ejected after {_errors(after, mark)} in a row; {wanted} are specified"

    def _wanted(self, mark: Mark) -> int:
        last: Fault = self.fatal[min(int(mark.values["number"]), len(self.fatal) - 1)]
        return next((one.errors for one in self.fatal if one.status == mark.values["status"]), last.errors)

    def _times(self) -> Iterator[str]:
        before: Span | None = None
        for span, multiplier in zip(self.spans, multipliers(self.rule, self.spans, self.books.stalls), strict=True):
            yield judge_alone(self.rule, span, multiplier, self.books.stalls)
            if before is not None:
                yield judge_tick(self.rule, before, span, multiplier, self.books.stalls)
            before = span

    def _stretches(self) -> tuple[list[Stretch], list[Stretch]]:
        """With one host ejected, and with all hosts failing: the ejected hosts and the requests of each stretch."""
        one_ejected = [(frozenset({0}), self._between(self._merged(span), self._alone(span))) for span in self.spans]
        all_failing = [
            (
                frozenset(number for number in range(self.hosts) if settled.values[f"host {number}"]),
                self._between(settled.at, still.values["still"]),
            )
            for settled, still in zip(self._marks("settled"), self._marks("still"), strict=False)
        ]
        return one_ejected, all_failing

    def _merged(self, span: Span) -> float:
        """From when on requests go by an ejection."""
        merged = span.first_seen + MERGE_WINDOW + MACHINE / 2
        return merged + stalled(self.books.stalls, span.sent, merged)

    def _alone(self, span: Span) -> float:
        """Until when the host of that ejection is the only one that fails."""
        return min([span.last_seen, *(mark.at for mark in self._marks("failing") if mark.at > span.first_seen)])

    def _between(self, start: float, end: float) -> list[Observation]:
        return [one for one in self.seen if one.started > start and one.started + one.latency < end]

    def _traffic(self) -> Iterator[str]:
        for ejected, during in chain(*self._stretches()):
            usable = reachable(self.rule, ejected, self.hosts)
            names = {self.pods[number] for number in usable}
            when = f"with {len(ejected)} of {self.hosts} hosts ejected"
            for one in during:
                if one.pod and one.pod not in names:
                    yield f"{when}, {one.pod}, which is one of them, got request {one.id} at {one.started:.2f} s"
                if not usable and (one.status != 503 or one.pod):
                    yield f"{when}, request {one.id} was {answer(one)}; 503 by the proxy is specified"
                if usable and not ejected & usable and (one.status != 200 or not one.pod):
                    yield f"{when}, request {one.id} was {answer(one)}, though the others are well"
            if len(during) >= self._stretch(self.hosts):
                got = Counter(one.pod for one in during)
                for name in sorted(names):
                    if not got[name] and not self._resets(name, during):
                        yield f"{when}, {name} got none of {len(during)} requests, though it is to be used"

    def _resets(self, name: str, during: Sequence[Observation]) -> bool:
        """Whether that host resets its connections, so that its requests are those that no pod answered."""
        return name == self.pods[0] and any(not one.pod for one in during)

    def _cap(self) -> Iterator[str]:
        most = allowed(self.rule, self.hosts)
        for mark in self._marks("capped"):
            seen = int(mark.values["most"])
            if seen > most or (seen < most and self._at_once(mark)):
                yield (
                    f"of {self.hosts} failing hosts {seen} {was(seen)} ejected at once; "
                    f"{self.rule.max_ejection_percent} % are {most} (maxEjectionPercent)"
                )

    def _at_once(self, mark: Mark) -> bool:
        """Whether no host that was ejected first can have been back before the last one failed."""
        return mark.values["seconds"] < self.rule.base_ejection_time


def _errors(count: int, mark: Mark) -> str:
    """`3 errors (503)`, `1 error (refused)`."""
    return f"{count} error{'s'[: count != 1]} ({Fault(int(mark.values['status']))})"


def listed(several: Sequence[str]) -> str:
    """`a, b and c`."""
    return " and ".join(one for one in (", ".join(several[:-1]), *several[-1:]) if one)


def was(number: float) -> str:
    return "was" if number == 1 else "were"
