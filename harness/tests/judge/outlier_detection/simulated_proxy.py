"""A proxy that ejects hosts by settings of its own, and its verdict."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from math import ceil
from typing import Any

from meshproof.border.books import Books, Mark, PodBook
from meshproof.border.expectation import Ejection
from meshproof.border.observation import Observation
from meshproof.border.verdict import Verdict
from meshproof.errors import Location
from meshproof.judge import ejections as rules

RULE = Location("outlier.yaml", 9, 7)


WORKLOAD = "default/httpbin"


SPECIFIED = Ejection(4, 2, interval=1.0, base_ejection_time=2.0, max_ejection_percent=100, location=RULE)


class SimulatedProxy:
    """The marks and the clients' observations of a load through a proxy that ejects as `rule` says."""

    def __init__(self, rule: Ejection, hosts: int, *, merge: float = 1.0, pause: float = 0.1) -> None:
        self.rule = rule
        self.hosts = hosts
        self.merge = merge
        self.pause = pause
        self.marks: list[Mark] = [Mark("hosts", 0.0, {"hosts": hosts})]
        self.seen: list[Observation] = []
        self._numbers = count()

    def drive(self, trial: Any) -> None:
        harmless, fatal = trial.faults(self.hosts)
        able = rules.allowed(self.rule, self.hosts) > 0
        for fault in harmless:
            needed = rules.errors(self.rule, fault.status) if able else 0
            gone = 0 < needed <= trial.enough
            self.mark("harmless", 1.1, status=fault.status, errors=needed if gone else trial.enough, ejected=gone)
            if gone:
                return
        at = 1.2
        for number, fault in enumerate(fatal):
            back = self.eject(trial, number, fault.status, at, able)
            if back is None:
                return
            at = back + self.pause
        if fatal:
            self.fail_all(trial, at)

    def eject(self, trial: Any, number: int, status: int, at: float, able: bool) -> float | None:
        needed = rules.errors(self.rule, status) if able else 0
        gone = 0 < needed <= trial.enough
        errors = needed if gone else trial.enough
        values = {"number": number, "status": status, "before": errors - 1, "after": errors}
        self.mark("ejected" if gone else "spared", at + 0.01, sent=at, **values)
        if not gone:
            return None
        times = number + 1 if self.pause < self.rule.interval else 1
        back = ceil((at + rules.duration(self.rule, times)) / self.rule.interval) * self.rule.interval
        if back - at > trial.timeout(number):
            self.mark("kept", at + trial.timeout(number), number=number, still=at + trial.timeout(number))
            return None
        self.send(at + 0.02, at + self.merge, frozenset())
        self.send(at + self.merge, back, frozenset({0}))
        self.mark("returned", back + 0.02, number=number, still=back - 0.02)
        return back

    def fail_all(self, trial: Any, at: float) -> None:
        most = rules.allowed(self.rule, self.hosts)
        ejected = frozenset(range(self.hosts - most, self.hosts))
        self.mark("capped", at, ejected=most, most=most, seconds=0.1)
        self.mark("settled", at, **{f"host {number}": float(number in ejected) for number in range(self.hosts)})
        end = at + 0.01 * (trial.stretch(self.hosts) + 2)
        self.send(at, end, ejected, step=0.01)
        self.mark("still", end, still=end)

    def send(self, start: float, end: float, ejected: frozenset[int], step: float = 0.05) -> None:
        usable = sorted(rules.reachable(self.rule, ejected, self.hosts))
        at = start + step / 2
        while at < end:
            number = next(self._numbers)
            pod = f"httpbin-{usable[number % len(usable)]}" if usable else ""
            status, workload = (200, WORKLOAD) if pod else (503, "")
            self.seen.append(Observation(f"id-{number}", 0, 0, at, 0.001, status, pod, workload))
            at += step

    def mark(self, name: str, at: float, **values: float) -> None:
        self.marks.append(Mark(name, at, values))

    def books(self) -> Books:
        pods = tuple(PodBook(f"httpbin-{number}", WORKLOAD, 0, 1) for number in range(self.hosts))
        return Books(pods, {}, tuple(self.marks))


Judge = Callable[..., Verdict]
