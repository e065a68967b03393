"""Calls of several messages: all of them come, and the status after them, unless a timeout ends the call."""

from __future__ import annotations

from collections.abc import Sequence

from meshproof.border.expectation import Expectation
from meshproof.border.prescription import Stream, stream
from meshproof.judge.expectations import placed
from meshproof.judge.streams.trial import StreamsTrial
from meshproof.judge.timing import MACHINE
from meshproof.judge.undecidable import UndecidableTrial
from meshproof.records import dataclass
from meshproof.scenario import Plan, Trial

NOTHING = "none of these requests is a call of several messages"


@dataclass(frozen=True)
class Streams:
    """Each call of several messages (`border/prescription.py`), for each stage; exact, by twenty calls of each.

    It reaches a pod that its rule leads to, all messages come in both directions, in order, and the status comes after
    them. A route's timeout begins when the client has sent its last message. So it ends the call of a server that sends
    for longer: the stream is reset at that time, after the messages that were sent by then, with no status and no
    other try. It does not count for messages of the client, however long these take. A call whose end may be a late
    machine's doing is not judged, and another one is made.
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
