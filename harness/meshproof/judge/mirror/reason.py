"""Why the shares of a mirror rule passed, failed or stayed undecided, in one sentence."""

from __future__ import annotations

from collections.abc import Sequence

from meshproof.border.expectation import Expectation
from meshproof.border.verdict import Outcome, Precision
from meshproof.judge.mirror.rule import CopyTest
from meshproof.judge.wording import counted, joined, percent, points, specified


def reason(
    outcome: Outcome, expectation: Expectation, tests: Sequence[CopyTest], n: int, capped: bool, rates: Precision
) -> str:
    """The sentence for `outcome`; `n` primaries were judged, `capped` when no more may be sent."""
    if outcome is Outcome.FAILED:
        failed = [test for test in tests if test.share.outcome is Outcome.FAILED]
        # A share that is wrong as a whole explains those of the destinations.
        return _failed(min(failed, key=lambda test: test.arm is not None), expectation, rates)
    if outcome is Outcome.PASSED:
        return _passed(tests, n)
    if not n:
        return "no request that was to be copied was observed" if expectation.copies else "no request was observed"
    states = joined(_state(test) for test in tests if test.share.outcome is Outcome.INCONCLUSIVE)
    if not capped:
        return f"the load ended after {n:,} requests, too early to decide: {states}"
    limit = "the maximum that was set" if rates.max_requests else "twice the sample of a test of fixed size"
    return (
        f"{n:,} requests, {limit}, do not decide it: {states}; "
        "a higher maximum of requests or a wider tolerance would help"
    )


def _failed(test: CopyTest, expectation: Expectation, rates: Precision) -> str:
    share, copy = test.share, test.copy
    if copy is None:
        route = f" at {expectation.route}" if expectation.route else ""
        were = counted(share.hits, share.n)
        return f"{were} copied, but no mirror is specified{route}; the first was request {test.first}"
    if share.exact:
        wrong, wanted = (share.hits, "none of them") if share.p0 == 0 else (share.n - share.hits, "all of them")
        word = "copied" if share.p0 == 0 else "not copied"
        return (
            f"{counted(wrong, share.n)} {word} to {copy.destination}, {wanted} specified at {copy.location}; "
            f"the first was request {test.first}"
        )
    low, high = share.interval(rates.alpha)
    interval = ""
    if not low <= share.p0 <= high:
        level = f"{100 * (1 - rates.alpha):g} %"
        interval = f" ({level} interval {percent(low).removesuffix(' %')}–{percent(high)})"
    whole = f"{specified(share.p0)} specified at {copy.location}"
    if test.arm is not None:
        return (
            f"{copy.destination} got copies of {percent(share.observed)}{interval} of the {share.n:,} requests that "
            f"{test.arm.destination} got, {whole}: the copies are not drawn independently of the split; "
            f"ruled out at α = {rates.alpha:g}"
        )
    return (
        f"{copy.destination} got copies of {percent(share.observed)} of {share.n:,} requests{interval}, {whole}; "
        f"ruled out at α = {rates.alpha:g}"
    )


def _passed(tests: Sequence[CopyTest], n: int) -> str:
    parts = []
    for test in tests:
        share, copy = test.share, test.copy
        if copy is None:
            return f"none of {n:,} requests was copied, as specified"
        if test.arm is not None:
            continue
        if share.exact:
            which = "none" if share.p0 == 0 else "every one"
            parts.append(f"{copy.destination} got a copy of {which} of {n:,} requests, as specified")
            continue
        apart = [percent(one.share.observed) for one in tests if one.arm is not None and one.copy is copy]
        alike = f", of each destination's requests alike ({joined(apart)})" if apart else ""
        parts.append(
            f"{copy.destination} got copies of {percent(share.observed)} "
            f"({specified(share.p0)} ± {points(share.tolerance)} specified) of {n:,} requests{alike}"
        )
    return joined(parts)


def _state(test: CopyTest) -> str:
    if test.copy is None:
        return "nothing was copied so far"
    of = f" of what {test.arm.destination} got" if test.arm else ""
    band = "" if test.share.exact else f" ± {points(test.share.tolerance)}"
    return (
        f"{test.copy.destination} got copies of {percent(test.share.observed)}{of} "
        f"({specified(test.share.p0)}{band} specified)"
    )
