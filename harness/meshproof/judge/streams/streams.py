"""Calls of several messages: all of them come, and the status after them, unless a timeout ends the call."""

from __future__ import annotations

from collections.abc import Sequence
from math import floor

from meshproof.border.books import Books
from meshproof.border.expectation import Expectation
from meshproof.border.observation import Observation
from meshproof.border.prescription import CLIENT, MESSAGES_HEADER, SERVER, Stream, prescription, stream
from meshproof.border.verdict import ArmResult, Outcome, Verdict
from meshproof.judge.ended_stream import is_ended, limit
from meshproof.judge.expectations import placed, rule_of, taken_by
from meshproof.judge.timing import EARLY, MACHINE
from meshproof.judge.undecidable import UndecidableTrial
from meshproof.judge.wording import answer
from meshproof.records import dataclass
from meshproof.scenario import Plan, Trial

ENOUGH = 20
OK = 200
NOTHING = "none of these requests is a call of several messages"


@dataclass(frozen=True)
class Streams:
    """Each call of several messages (`border/prescription.py`), for each stage; exact, by twenty calls of each.

    It reaches a pod that its rule leads to, all messages come in both directions, in order, and the status comes after
    them. A route's timeout begins when the client has sent its last message. So it ends the call of a server that sends
    for longer: the stream is reset at that time, after the messages that were sent by then, with no status and no
    other try. It does not count for messages of the client, however long these take.
    """

    name: str = "Streams"

    def begin(self, plan: Plan) -> Sequence[Trial]:
        found: list[Trial] = []
        for stage, request, one in placed(plan):
            if said := stream(one.request):
                why = _lacking(one, said)
                undecidable = UndecidableTrial(self.name, plan, stage, request, why) if why else None
                found.append(undecidable or StreamsTrial(self.name, plan, stage, request, said))
        return found or [UndecidableTrial(self.name, plan, 0, 0, NOTHING)]


def _lacking(one: Expectation, said: Stream) -> str:
    """Why it cannot be judged; empty where it can."""
    if not any(arm.workloads and arm.share for arm in one.arms):
        return f"no pod answers {one.request}"
    for name, given in (("abort", one.abort), ("delay", one.delay)):
        if given:
            return f"the route's {name} answers or delays some calls before a pod does"
    if one.timeout is not None and abs(one.timeout - said.seconds) < 2 * MACHINE:
        return f"the call lasts about as long ({said.seconds:g} s) as its timeout lets it ({one.timeout:g} s)"
    return ""


class StreamsTrial:
    """One stage's and request's."""

    def __init__(self, check: str, plan: Plan, stage: int, request: int, said: Stream) -> None:
        self.check = check
        self.stage: int | None = stage
        self.request: int | None = request
        self.limit = ENOUGH
        self._plan = plan
        self._said = said
        self._expectation: Expectation = plan.stages[stage][request]
        self._count = 0
        self._quickest: float | None = None
        self._wrong = ""
        self._ends = limit(self._expectation)
        prescribed = prescription(self._expectation.request)
        self._status = prescribed.grpc_status if prescribed else 0

    def observe(self, observation: Observation) -> None:
        self._count += 1
        if observation.stalled:
            return
        self._wrong = self._wrong or self._mismatch(observation)
        latency = observation.latency
        self._quickest = latency if self._quickest is None else min(latency, self._quickest)

    @property
    def decided(self) -> bool:
        return self._count >= ENOUGH or bool(self._wrong)

    @property
    def refuted(self) -> bool:
        return bool(self._wrong)

    @property
    def count(self) -> int:
        return self._count

    def arms(self) -> tuple[ArmResult, ...]:
        return ()

    def _mismatch(self, one: Observation) -> str:
        # The client adds its own after whatever came, which may have that name too.
        came = next((int(value) for name, value in reversed(one.headers) if name == MESSAGES_HEADER), 0)
        lasted = f"after {came} messages and {one.latency:.2f} s"
        if is_ended(one):
            timeout = self._expectation.timeout
            # Where messages are late, by the machine that sends them, so is the end of what would have been in time.
            begins = 0.0 if self._said.sender == SERVER else self._said.seconds
            if timeout is None or one.latency < begins + timeout - EARLY:
                return f"it was ended ({answer(one)}) {lasted}"
            most = floor((one.latency + EARLY) / self._said.every) if self._said.every else self._said.messages
            return "" if came <= most else f"{came} messages came in {one.latency:.2f} s"
        if one.error or one.status != OK or one.grpc_status != self._status or self._ends is not None:
            return f"it was answered {answer(one)} {lasted}"
        wanted = 1 if self._said.sender == CLIENT else self._said.messages
        if came != wanted:
            return f"{came} of {wanted} messages came"
        if not any(one.workload in arm.workloads for arm in self._expectation.arms if arm.share):
            return f"{one.pod or 'the proxy'} answered it"
        if one.latency < self._said.seconds - EARLY:
            return f"it lasted {one.latency:.2f} s, where its messages take {self._said.seconds:g} s"
        return ""

    def conclude(self, books: Books) -> Verdict:  # noqa: ARG002
        outcome, reason = self._decide()
        return Verdict(
            self._plan.scenario,
            self.check,
            outcome,
            reason,
            n=self._count,
            request=str(self._expectation.request),
            stage=self.stage or 0,
        )

    def _decide(self) -> tuple[Outcome, str]:
        rule = rule_of(self._expectation)
        wanted = (
            f"the timeout of {self._ends:g} s is to end it" if self._ends is not None else "all messages are to come"
        )
        if self._wrong:
            applied = taken_by(self._plan, self.stage or 0, self.request or 0)
            return Outcome.FAILED, f"{self._wrong}; {wanted} ({rule}){f'; {applied}' if applied else ''}"
        if self._quickest is None or self._count < ENOUGH:
            return Outcome.INCONCLUSIVE, f"{self._count} calls show too little"
        if self._ends is not None and self._quickest > self._ends + MACHINE:
            return (
                Outcome.FAILED,
                f"the quickest of {self._count} was ended after {self._quickest:.2f} s; {wanted} ({rule})",
            )
        return Outcome.PASSED, f"{self._count} calls of {self._said.messages} messages: {wanted} ({rule})"
