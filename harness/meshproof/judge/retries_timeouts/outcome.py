"""How a request ends whose workload is slow or fails: tries, time and answer.

Sources: https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_filters/router_filter
(x-envoy-retry-on, the back-off) and
https://istio.io/latest/docs/reference/config/networking/virtual-service/#HTTPRetry. Measured, and checked by
scenarios: the time of an injected delay counts for no timeout; a try that ran into `perTryTimeout` is
retried on 5xx, gateway-error and reset, not on the status code 504; `perTryTimeout` counts until an answer begins.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field, replace
from math import inf

from meshproof.border import grpc
from meshproof.border.expectation import Expectation, Retries
from meshproof.judge.timing import MACHINE
from meshproof.records import dataclass

# Istio's default: two more tries. Releases before 1.24 have 503 among these as well.
DEFAULT_ATTEMPTS = 2
DEFAULT_RETRY_ON = "connect-failure,refused-stream,unavailable,cancelled"

# Fully jittered: each wait is drawn between nothing and these, doubled from 25 ms up to ten times as much.
BACK_OFF = 0.025
BACK_OFF_FACTOR = 10
# Above so many bytes Envoy keeps no body to send it again (per_connection_buffer_limit_bytes).
LARGEST_KEPT_BODY = 1 << 20

# A connection that ends without an answer, and a try that takes too long, count as these.
BROKEN = frozenset({"5xx", "gateway-error", "reset"})
GATEWAY_ERRORS = (502, 503, 504)
GRPC = {1: "cancelled", 4: "deadline-exceeded", 8: "resource-exhausted", 13: "internal", 14: "unavailable"}
RETRIABLE_4XX = 409
OK = 200
UNAVAILABLE = 503
TIMED_OUT = 504


@dataclass(frozen=True, slots=True)
class Try:
    """What the workload does with one try: `status` (0: a reset) after `seconds` (infinity: it never answers).

    `grpc_status` is what a header of that name says in its answer, whose request need not be gRPC. The head of what has
    `begun` comes at once, the end of it after those seconds.
    """

    status: int
    seconds: float = 0.0
    grpc_status: int = 0
    begun: bool = False


def shifted(workload: Callable[[int], Try], seconds: float) -> Callable[[int], Try]:
    """The same tries, each later by so many seconds (negative: earlier)."""

    def later(number: int) -> Try:
        one = workload(number)
        return replace(one, seconds=max(0.0, one.seconds + seconds))

    return later


@dataclass(frozen=True, slots=True)
class Ending:
    """`arrivals` tries reached a pod; `status` (0: never an answer) came after `seconds`, from a pod or the proxy.

    `grpc_status` is what the proxy says to gRPC, `timed_out` that it was its time that ended it, `cut` that the answer
    had begun by then. Two that differ in their time alone are equal.
    """

    status: int
    by_pod: bool
    arrivals: int
    seconds: float = field(compare=False)
    grpc_status: int | None = None
    timed_out: bool = field(default=False, compare=False)
    cut: bool = False


def endings(expectation: Expectation, workload: Callable[[int], Try]) -> tuple[Ending, Ending]:
    """What becomes of a request, should every back-off be none, and should each be as long as it can.

    `workload` says what happens to the nth try, from 1 on. Where both differ in more than time, chance
    decides.
    """
    return _ending(expectation, workload, 0.0, 0.0), _ending(expectation, workload, 1.0, MACHINE)


def retried(retries: Retries | None) -> frozenset[str]:
    """The conditions on which a request is tried again; a status code is one of its own."""
    words = (part.strip() for part in ((retries and retries.retry_on) or DEFAULT_RETRY_ON).split(","))
    return frozenset(str(int(word)) if word.isdecimal() else word for word in words if word)


def _ending(expectation: Expectation, workload: Callable[[int], Try], pace: float, lag: float) -> Ending:
    limit = expectation.timeout or inf
    retries = expectation.retries
    attempts = DEFAULT_ATTEMPTS if retries is None else retries.attempts
    if len(expectation.request.body) > LARGEST_KEPT_BODY or _expects_continue(expectation):
        attempts = 0
    per_try = (retries.per_try_timeout if retries else None) or inf
    conditions = retried(retries)
    base = (retries.back_off if retries else None) or BACK_OFF
    wait, cap = base, BACK_OFF_FACTOR * base
    elapsed, number = 0.0, 1
    while True:
        one = workload(number)
        if one.begun:
            return _begun(one, number, elapsed, limit)
        seconds = min(one.seconds, per_try)
        if seconds == limit == inf:
            return Ending(0, False, number, inf)
        if elapsed + seconds >= limit - (lag if number > 1 else 0.0):
            return _own(expectation, TIMED_OUT, number, limit)
        elapsed += seconds
        timed_out = one.seconds > per_try
        answered = one.status if one.status and not timed_out else 0
        if number > attempts or not conditions & (_classes(one) if answered else BROKEN):
            if answered:
                return Ending(answered, True, number, elapsed)
            return _own(expectation, TIMED_OUT if timed_out else UNAVAILABLE, number, elapsed)
        elapsed += pace * wait
        if elapsed >= limit - lag:
            return _own(expectation, TIMED_OUT, number, limit)
        number += 1
        if wait == cap and workload(attempts + 1) == one:
            # The tries that are left are all alike: those that surely end in time are counted at once.
            cycle = seconds + pace * cap
            alike = attempts + 1 - number
            if cycle and limit < inf:
                alike = min(alike, max(0, int((limit - lag - elapsed) / cycle) - 1))
            number += alike
            elapsed += alike * cycle
        wait = min(2 * wait, cap)


def _begun(one: Try, number: int, elapsed: float, limit: float) -> Ending:
    """No try is limited any more once its answer has begun, and the time of the request cuts it off."""
    if elapsed + one.seconds >= limit:
        return Ending(0, True, number, limit, timed_out=True, cut=True)
    return Ending(one.status, True, number, elapsed + one.seconds)


def _expects_continue(expectation: Expectation) -> bool:
    """Whether a pod answers a request's head with 100 (Continue), after which Envoy tries nothing again."""
    said = [value.strip().lower() for name, value in expectation.request.headers if name.lower() == "expect"]
    return said == ["100-continue"]


def _own(expectation: Expectation, status: int, number: int, seconds: float) -> Ending:
    """An ending by the proxy itself."""
    timed_out = status == TIMED_OUT
    if expectation.request.is_grpc:
        return Ending(OK, False, number, seconds, grpc.grpc_status(status), timed_out)
    return Ending(status, False, number, seconds, None, timed_out)


def _classes(one: Try) -> frozenset[str]:
    """The conditions of retryOn that an answer of a workload meets; a status code is one of its own."""
    status = one.status
    found = {str(status), GRPC.get(one.grpc_status, "")}
    if status >= 500:
        found.add("5xx")
    if status in GATEWAY_ERRORS:
        found.add("gateway-error")
    if status == RETRIABLE_4XX:
        found.add("retriable-4xx")
    return frozenset(found)
