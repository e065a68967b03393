"""Whether what happened to a request is what was expected, by what a change is about; the judges are those of runs."""

from __future__ import annotations

from collections.abc import Callable

from meshproof.border.expectation import Expectation
from meshproof.border.verdict import Outcome, Precision
from meshproof.diff.behaviour import OUTCOME
from meshproof.judge.answers.mismatch import mismatch
from meshproof.judge.arrivals import by_id, is_copy
from meshproof.judge.retries_timeouts.trial import Asked, OutcomeTrial
from meshproof.judge.timing import EARLY
from meshproof.run.explaining.happened import happened
from meshproof.run.explaining.sending import Sent
from meshproof.scenario import Plan

TIMEOUT, RETRIES, DELAY = "timeout", "retries", "delay"
# Exact for each request; the second goes over a connection that was used.
TIMES = 2
# Seconds that the quickest of some answers does not take by itself, also on a busy machine.
SLOW = 0.2
Judge = Callable[[Expectation, Sent], str]
"""What is otherwise than expected; empty where nothing is."""


def who_answers(expectation: Expectation, sent: Sent) -> str:
    """Who answers how often, with what status, and who gets copies."""
    found = happened(expectation, sent)
    wrong = next((row for row in (*found.rows, *found.copies) if not row.agrees), None)
    return f"{wrong.count:,} of {found.sent:,} {wrong.what}" if wrong else ""


def answers(expectation: Expectation, sent: Sent) -> str:
    """What pods were sent, and what came back: path, Host, headers, redirects, bodies."""
    arrived = by_id(sent.books)
    for one in sent.observations:
        received = [each for each in arrived.get(one.id, ()) if not is_copy(each, expectation)]
        if wrong := mismatch(expectation, one, received):
            return wrong
    return ""


def outcome(expectation: Expectation, sent: Sent) -> str:
    """Both: where a request is redirected to is a matter of its answer."""
    own = expectation.status and not expectation.request.is_tcp
    return who_answers(expectation, sent) or (answers(expectation, sent) if own else "")


def tries(expectation: Expectation, sent: Sent) -> str:
    """How requests end that prescribe their answers, and how often they are tried."""
    plan = Plan("prove", ((expectation,),), Precision())
    trial = OutcomeTrial("prove", plan, 0, 0, "", counting=True, asked=Asked(TIMES))
    for one in sent.observations:
        trial.observe(one)
    verdict = trial.conclude(sent.books)
    return "" if verdict.outcome is Outcome.PASSED else verdict.reason.strip("; ")


def delayed(expectation: Expectation, sent: Sent) -> str:
    """Whether a delay that is for every request holds, or there is none."""
    quickest = min((one.latency for one in sent.observations), default=0.0)
    delay = expectation.delay
    least = delay.seconds if delay and delay.share else 0.0
    if quickest < least - EARLY:
        return f"answered after {quickest:.3f} s"
    if not least:
        return f"answered after {quickest:.3f} s at the earliest" if quickest > SLOW else ""
    return "" if quickest < least + SLOW else f"answered after {quickest:.3f} s at the earliest"


JUDGES: dict[str, Judge] = {
    OUTCOME: outcome,
    "abort": who_answers,
    "mirrors": who_answers,
    "path": answers,
    "Host header": answers,
    "headers of the request": answers,
    "headers of the answer": answers,
    TIMEOUT: tries,
    RETRIES: tries,
    DELAY: delayed,
}
