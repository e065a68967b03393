"""The timeouts and retries of one's own manifests, and that there are no others: what shows them.

Every request of a verification is sent again, once for each answer that tells one rule from another: a slow
one, and one for each condition of retryOn that an answer can meet. The workloads answer as each request asks
(border/prescription.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from meshproof.border.expectation import Arm, Expectation
from meshproof.border.prescription import HEADER, STREAM_HEADER, Prescription
from meshproof.border.request import Request
from meshproof.errors import Location
from meshproof.judge.limits import first_limit
from meshproof.judge.retries_timeouts.outcome import (
    GATEWAY_ERRORS,
    GRPC,
    TIMED_OUT,
    UNAVAILABLE,
    Ending,
    Try,
    endings,
    retried,
)
from meshproof.records import dataclass
from meshproof.scenario import Plan

TIMEOUT, RETRIES = "timeout", "retries"
# So many are under way at once, or up to so many of more slow ones where no policy of a destination is in force.
USERS, MOST_USERS = 16, 64
# Seconds: what is to run into a limit takes so much longer than that; limits up to here are waited for (up to a
# minute where nothing is to be left out); and so long there must be no limit where none is specified; shorter where
# the limit is seen in a header.
MARGIN = 1.0
LONGEST = 5.0
LONGEST_WAIT = 60.0
HEADER_SHOWS = 1.0
LONGEST_RETRIED = 30.0
# Of an answer that has begun a limit of a request's whole time, which its tries would not come to, is waited for.
LONGEST_BEGUN = 15.0
# Where less is left, a busy machine may take it.
LEAST = 0.25
CLIENT_TIMEOUT = 15.0
# 503 is left out where the default holds: whether it is tried again depends on Istio's release.
STATUSES = (409, 429, 500, *GATEWAY_ERRORS)
# Istio's default tries this again, in every release.
GRPC_UNAVAILABLE = Prescription(200, grpc_status=14)


@dataclass(frozen=True, slots=True)
class Asking:
    """What is sent: what asks for `slow` answers, and for `failing` ones; and what these do not show.

    `timeout` is the client's for one answer, in seconds.
    """

    slow: tuple[Request, ...]
    failing: tuple[Request, ...]
    timeout: float
    untold: tuple[Untold, ...]


@dataclass(frozen=True, slots=True)
class Untold:
    """What nothing shows of the `timeout` or the `retries` of a request; `stated` tells that its rule states them."""

    kind: str
    request: Request
    location: Location
    why: str
    stated: bool


def asking(plan: Plan, *, proxyless: bool, thorough: bool = False, whole: bool = True) -> Asking:
    """The requests of a plan, with the answers that they ask for; `proxyless` pods have no sidecar.

    `thorough` waits for limits of up to a minute. Unless `whole` is False, a limit of the whole request is shown too
    where tries end all slow ones before.
    """
    longest = LONGEST_WAIT if thorough else LONGEST
    slow: list[Request] = []
    failing: list[Request] = []
    untold: list[Untold] = []
    timeout = CLIENT_TIMEOUT
    for number, one in enumerate(plan.stages[0]):
        arms = [arm for arm in one.arms if arm.share]
        if not _reaches_pods(one, arms):
            continue
        if why := _unshowable(one, arms):
            untold += [*_untold(one, TIMEOUT, why), *_untold(one, RETRIES, why)]
            continue
        late, unwaited = _slow(one, HEADER_SHOWS if proxyless else longest, longest, proxyless=proxyless)
        at_once, untried = _failing(one)
        applied = plan.applied[0][number] if plan.applied else None
        begun, uncut = _begun(one, applied, max(longest, LONGEST_BEGUN)) if whole else ([], "")
        wanted = [*late, *begun, *at_once]
        watched = any(arm.policy.ejection for arm in arms)
        kept = [said for said in wanted if not watched or _harmless(one, said)]
        if len(kept) < len(wanted):
            untried = untried or "errors are not tried: outlier detection would take its pods away"
        untold += [*_untold(one, _limiting(one), unwaited), *_untold(one, RETRIES, untried)]
        untold += _untold(one, TIMEOUT, uncut)
        slow += [asking_for(one.request, said) for said in kept if said.seconds]
        failing += [asking_for(one.request, said) for said in kept if not said.seconds]
        lasts = [_endings(one, said)[1].seconds + (one.delay.seconds if one.delay else 0.0) for said in kept]
        timeout = max(timeout, CLIENT_TIMEOUT + max(lasts, default=0.0))
    return Asking(tuple(slow), tuple(failing), timeout, tuple(dict.fromkeys(untold)))


def _unshowable(one: Expectation, arms: list[Arm]) -> str:
    """Why neither slow nor failing answers are asked for; empty where they are."""
    # What asks for a WebSocket as its clients do is answered like any other request, where that is asked for.
    if any(name == "upgrade" for name, _ in one.request.headers) and not one.request.is_handshake:
        return "it asks for another protocol"
    if any(_limit_of_connections(arm) for arm in arms):
        return "so few requests may be under way at once"
    return ""


def _limiting(one: Expectation) -> str:
    """Which of the two states how long the first try may take."""
    own = one.retries.per_try_timeout if one.retries else None
    return RETRIES if own and first_limit(one) == own else TIMEOUT


def _untold(one: Expectation, kind: str, why: str) -> Iterator[Untold]:
    if why:
        stated = (one.timeout if kind == TIMEOUT else one.retries) is not None
        yield Untold(kind, one.request, one.route or one.arms[0].location, why, stated)


def _reaches_pods(one: Expectation, arms: list[Arm]) -> bool:
    """Whether pods answer, whatever is drawn, over a port where requests are tried again at all."""
    # Connections have no status, and nothing in the mesh tries them again.
    if one.request.is_tcp:
        return False
    answered = bool(arms) and all(arm.workloads for arm in arms) and not (one.status or one.refused)
    return answered and one.independent and not (one.abort and one.abort.share == 1)


def _limit_of_connections(arm: Arm) -> bool:
    pool, budget = arm.policy.pool, arm.policy.retry_budget
    limits: tuple[int | None, ...] = (
        (pool.max_connections, pool.http1_max_pending_requests, pool.http2_max_requests, pool.max_retries)
        if pool
        else ()
    )
    limits += (budget.min_retry_concurrency,) if budget else ()
    return any(limit is not None and limit < USERS for limit in limits)


def _slow(one: Expectation, beyond: float, longest: float, *, proxyless: bool) -> tuple[list[Prescription], str]:
    """A slow answer that shows the limit, or how long there is none; and what it does not show."""
    limit = first_limit(one)
    if limit is None:
        return [Prescription(200, beyond)], ""
    late = Prescription(200, limit + MARGIN)
    confused = one.abort is not None and one.abort.status == TIMED_OUT
    if limit <= longest and _endings(one, late)[1].seconds <= longest + MARGIN and not confused:
        return [late], ""
    in_time = Prescription(200, min(beyond, limit / 2))
    if limit - in_time.seconds < LEAST:
        return [], f"its limit of {limit:g} s is too short"
    told = f"its limit of {limit:g} s is not waited for: it is seen to be no shorter than {in_time.seconds:g} s"
    return [in_time], "" if proxyless else told


def _begun(one: Expectation, applied: Expectation | None, longest: float) -> tuple[list[Prescription], str]:
    """An answer that begins at once and goes on beyond the limit of the whole request; and what it does not show.

    Where a try has a limit of its own, slow ones meet no other: three tries of 1 s are over before a timeout of 10 s.
    """
    own = one.retries.per_try_timeout if one.retries else None
    if not own or (one.timeout and one.timeout <= own):
        return [], ""
    limit = one.timeout or (applied.timeout if applied else None)
    if not limit:
        return [Prescription(200, LONGEST, begun=True)], ""
    if one.request.method == "HEAD" or one.request.is_handshake:
        return [], f"its tries end before its limit of {limit:g} s, and its answer has no body that could be cut off"
    if limit <= longest:
        return [Prescription(200, limit + MARGIN, begun=True)], ""
    return [], f"its limit of {limit:g} s is not waited for, and its tries end before"


def _failing(one: Expectation) -> tuple[list[Prescription], str]:
    """Answers at once that tell conditions apart; and what they do not show."""
    limit = first_limit(one)
    if limit is not None and limit < LEAST:
        return [], f"its limit of {limit:g} s leaves no time to show retries"
    several = list(telling_apart(one))
    ended = [said for said in several if _endings(one, said)[1].seconds <= LONGEST_RETRIED]
    told = f"some of its retries may take longer than the {LONGEST_RETRIED:g} s that are waited for"
    return ended, told if len(ended) < len(several) else ""


def telling_apart(one: Expectation) -> Iterator[Prescription]:
    """Answers at once, one for each condition of retryOn."""
    conditions = retried(one.retries)
    named = sorted(int(word) for word in conditions if word.isdecimal() and 200 <= int(word) <= 599)
    by_default = one.retries is None or not one.retries.retry_on
    for status in dict.fromkeys((*STATUSES, *named)):
        if not (by_default and status == UNAVAILABLE):
            yield Prescription(status)
    # Envoy tries no handshake of a WebSocket again for a status of gRPC.
    if one.request.is_handshake:
        return
    yield GRPC_UNAVAILABLE
    # Statuses of gRPC are looked at in any answer, but few pods tell them to those who speak no gRPC.
    told = {number for number, name in GRPC.items() if one.request.is_call or name in conditions}
    yield from (Prescription(200, grpc_status=number) for number in sorted(told - {GRPC_UNAVAILABLE.grpc_status}))


def _harmless(one: Expectation, said: Prescription) -> bool:
    """Whether no try of it is an error to outlier detection."""
    return all(end.by_pod and end.status < 500 and not end.cut for end in _endings(one, said))


def _endings(one: Expectation, said: Prescription) -> tuple[Ending, Ending]:
    return endings(one, lambda _: Try(said.status, said.seconds, said.grpc_status, said.begun))


def asking_for(request: Request, said: Prescription) -> Request:
    """The request, which prescribes its answer."""
    kept = (pair for pair in request.headers if pair[0] not in (HEADER, STREAM_HEADER))
    return replace(request, headers=(*kept, said.header))
