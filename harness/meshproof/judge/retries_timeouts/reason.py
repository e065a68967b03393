"""Why requests ended as specified, or did not, in one sentence."""

from __future__ import annotations

from meshproof.border.verdict import Outcome
from meshproof.judge.retries_timeouts.outcome import Ending
from meshproof.judge.retries_timeouts.tally import Tally
from meshproof.judge.retries_timeouts.tries import times
from meshproof.judge.timing import MACHINE
from meshproof.judge.wording import counted, joined, kinds


def reason(outcome: Outcome, tally: Tally, rule: str, n: int, needed: int, forgotten: int, *, counting: bool) -> str:
    """The sentence for `outcome` of `n` requests, of which so many are `needed`.

    `rule` is what is specified, in words; `forgotten` is how many tries the workloads counted without keeping them.
    """
    if not n and not tally.excused:
        return "no request was observed"
    if wrong := tally.wrong or (tally.early_answers if tally.early else None):
        return f"{kinds(wrong, n)}; {rule}; the first was request {tally.first}"
    if outcome is Outcome.FAILED and tally.lateness is not None:
        if tally.lateness <= MACHINE:
            return (
                f"{tally.plainly_late:,} of {n:,} requests were answered more than {MACHINE:g} s after the specified "
                f"time though this machine was not late, and none in time; {rule}"
            )
        return (
            f"even the quickest of {n:,} requests was answered {tally.lateness:.3f} s after the specified time, where "
            f"{MACHINE:g} s are allowed; {rule}"
        )
    if forgotten:
        return f"the workloads' books are full: {forgotten:,} requests are counted but not kept"
    if tally.unmeasured:
        return (
            f"{counted(tally.unmeasured, n)} answered without the header that says how long the proxy waited: "
            'Load(headers=("x-envoy-upstream-service-time",)) keeps it'
        )
    if outcome is not Outcome.PASSED and n >= needed and tally.timed_out and not tally.told:
        return (
            f"even the quickest of {n:,} requests was answered after {min(tally.latencies):.3f} s: twice the specified "
            f"time is not ruled out, for {_late(tally)} while they were under way; {rule}"
        )
    if outcome is not Outcome.PASSED and tally.excused:
        return (
            f"{tally.excused:,} requests were not judged: {_late(tally)} while they were under way, which decides how "
            f"they end; {rule}"
        )
    if outcome is not Outcome.PASSED:
        return f"only {n:,} requests were observed, {needed:,} are needed; all ended as specified"
    parts = [kinds(tally.answers, n)] if tally.answers else []
    if tally.latencies:
        parts.append(f"the quickest after {min(tally.latencies):.3f} s")
    if counting:
        parts.append(_arrivals(tally))
    return f"{', '.join(parts)}; {rule}"


def _late(tally: Tally) -> str:
    """What was late, and by how much at most."""
    stood = f"this machine stood still for up to {tally.stalled:.2f} s"
    waited = f"a proxy waited up to {tally.waited:.2f} s for the processor"
    return " and ".join([stood] * (tally.stalled > 0) + [waited] * (tally.waited > 0))


def _arrivals(tally: Tally) -> str:
    ranges = sorted({one for one in tally.expected_tries.values() if one.most})
    words = joined(times(one.least) if one.least == one.most else f"{one} times" for one in ranges)
    return f"and each was received by a pod {words}" if ranges else "and none was received by a pod"


def answered(one: Ending) -> str:
    """`504 by the proxy`, `200 by a pod`, `no answer`."""
    if one.cut:
        return f"cut off after {one.seconds:g} s by the proxy"
    if not one.status:
        return "no answer"
    said = f" (grpc-status {one.grpc_status})" if one.grpc_status is not None else ""
    return f"{one.status}{said} by {'a pod' if one.by_pod else 'the proxy'}"


def ended(one: Ending) -> str:
    """The same with the number of tries that reached a pod."""
    return f"{answered(one)}, at a pod {times(one.arrivals)}"
