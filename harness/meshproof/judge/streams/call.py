"""What is wrong with one call of several messages; what a late machine may have done instead is not said of the mesh.

A timer ends early by no more than its proxy waited for the processor while it was set, so a call that was ended sooner
is judged however late the machine was. What came in time, or was ended late, may be another's doing: see
docs/verdicts.md, "A busy machine".
"""

from __future__ import annotations

from math import floor

from meshproof.border.expectation import Expectation
from meshproof.border.observation import UNANSWERED, Observation
from meshproof.border.prescription import CLIENT, MESSAGES_HEADER, SERVER, Stream, prescription
from meshproof.judge.ended_stream import is_ended, limit
from meshproof.judge.timing import EARLY, MACHINE
from meshproof.judge.wording import answer

OK = 200


def lateness(one: Observation) -> float:
    """By how many seconds the machine, and a proxy on it, may have been late while the call was under way."""
    return one.stalled + one.waited


def mismatch(expectation: Expectation, said: Stream, one: Observation) -> str | None:
    """What is wrong with a call; empty where nothing is, None where it would be another's but for the lateness."""
    # The client adds its own after whatever came, which may have that name too.
    came = next((int(value) for name, value in reversed(one.headers) if name == MESSAGES_HEADER), 0)
    lasted, late = f"after {came} messages and {one.latency:.2f} s", lateness(one)
    if is_ended(one):
        return _ended(expectation, said, one, came, lasted)
    prescribed, ends = prescription(expectation.request), limit(expectation)
    # Of messages that follow each other each may be as late; the end of their time is late once.
    lasts, often = (said.seconds, said.messages) if ends is None else (ends, 1)
    if one.error.startswith(UNANSWERED) and often * late >= one.latency - lasts:
        return None
    if one.error or one.status != OK or one.grpc_status != (prescribed.grpc_status if prescribed else 0):
        return f"it was answered {answer(one)} {lasted}"
    if ends is not None:
        # The messages and the end of their time may both have waited, and either may then be seen first.
        return None if late >= said.seconds - ends else f"it was answered {answer(one)} {lasted}"
    wanted = 1 if said.sender == CLIENT else said.messages
    if came != wanted:
        return f"{came} of {wanted} messages came"
    if not any(one.workload in arm.workloads for arm in expectation.arms if arm.share):
        return f"{one.pod or 'the proxy'} answered it"
    if one.latency < said.seconds - EARLY - late:
        return f"it lasted {one.latency:.2f} s, where its messages take {said.seconds:g} s"
    return "" if one.latency >= said.seconds - EARLY else None


def _ended(expectation: Expectation, said: Stream, one: Observation, came: int, lasted: str) -> str | None:
    timeout, late = expectation.timeout, lateness(one)
    # Its time begins with the client's last message.
    begins, slack = (0.0, 0.0) if said.sender == SERVER else (said.seconds, late)
    # Pods that are told of it count from the call's beginning, and end one that they were late to answer.
    soonest = 0.0 if timeout is not None and said.seconds < timeout else begins
    if timeout is None or one.latency < soonest + timeout - MACHINE - slack:
        return f"it was ended ({answer(one)}) {lasted}"
    if one.latency < begins + timeout - EARLY - slack:
        return None
    if limit(expectation) is None:
        # Its messages were late by more than the timeout: not by the mesh, which sends each on as it comes.
        return None
    if not said.every:
        return ""
    if came > floor((one.latency + EARLY + late) / said.every):
        return f"{came} messages came in {one.latency:.2f} s"
    return "" if came <= floor((one.latency + EARLY) / said.every) else None
