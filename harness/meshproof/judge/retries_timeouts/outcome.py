"""How a request ends whose workload is slow or fails: tries, time and answer.

Sources: https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_filters/router_filter
(x-envoy-retry-on, the back-off) and
https://istio.io/latest/docs/reference/config/networking/virtual-service/#HTTPRetry. Measured, and checked by
scenarios: the time of an injected delay counts for no timeout; a try that ran into `perTryTimeout` is
retried on 5xx, gateway-error and reset, not on the status code 504.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import inf

from meshproof.border.expectation import Expectation, Retries
from meshproof.judge.timing import MACHINE

# Istio's default: two more tries. Releases before 1.24 have 503 among these as well.
DEFAULT_ATTEMPTS = 2
DEFAULT_RETRY_ON = "connect-failure,refused-stream,unavailable,cancelled"

# Fully jittered: each wait is drawn between nothing and these, doubled from 25 ms up to 250 ms.
BACK_OFF = 0.025
BACK_OFF_CAP = 0.25

# A connection that ends without an answer, and a try that takes too long, count as these.
BROKEN = frozenset({"5xx", "gateway-error", "reset"})
GATEWAY_ERRORS = (502, 503, 504)
GRPC = {1: "cancelled", 4: "deadline-exceeded", 8: "resource-exhausted", 13: "internal", 14: "unavailable"}
# The numbers that istiod takes for status codes are those that Go has a text for: https://pkg.go.dev/net/http#StatusText
CODES = frozenset({*range(100, 104), *range(200, 209), 226, *range(300, 306), 307, 308, *range(400, 419)}) | frozenset(
    {*range(421, 427), 428, 429, 431, 451, *range(500, 509), 510, 511}
)
RETRIABLE_4XX = 409
UNAVAILABLE = 503
TIMED_OUT = 504


@dataclass(frozen=True, slots=True)
class Try:
    """What the workload does with one try: `status` (0: a reset) after `seconds` (infinity: it never answers).

    `grpc_status` is what a header of that name says in its answer, whose request need not be gRPC.
    """

    status: int
    seconds: float = 0.0
    grpc_status: int = 0


@dataclass(frozen=True, slots=True)
class Ending:
    """`arrivals` tries reached a pod; `status` (0: never an answer) came after `seconds`, from a pod or the proxy."""

    status: int
    by_pod: bool
    arrivals: int
    seconds: float


def endings(expectation: Expectation, workload: Callable[[int], Try]) -> tuple[Ending, Ending]:
    """What becomes of a request, should every back-off be none, and should each be as long as it can.

    `workload` says what happens to the nth try, from 1 on. Where both differ in more than time, chance
    decides.
    """
    return _ending(expectation, workload, 0.0, 0.0), _ending(expectation, workload, 1.0, MACHINE)


def retried(retries: Retries | None) -> frozenset[str]:
    """The conditions on which a request is tried again; a number that is no status code is none."""
    words = (part.strip() for part in ((retries and retries.retry_on) or DEFAULT_RETRY_ON).split(","))
    return frozenset(word for word in words if word and not (word.isdecimal() and int(word) not in CODES))


def _ending(expectation: Expectation, workload: Callable[[int], Try], pace: float, lag: float) -> Ending:
    limit = expectation.timeout or inf
    retries = expectation.retries
    attempts = DEFAULT_ATTEMPTS if retries is None else retries.attempts
    per_try = (retries.per_try_timeout if retries else None) or inf
    conditions = retried(retries)
    elapsed = 0.0
    for number, wait in enumerate(_back_off(), 1):
        one = workload(number)
        seconds = min(one.seconds, per_try)
        if seconds == limit == inf:
            return Ending(0, False, number, inf)
        if elapsed + seconds >= limit - (lag if number > 1 else 0.0):
            return Ending(TIMED_OUT, False, number, limit)
        elapsed += seconds
        timed_out = one.seconds > per_try
        answered = one.status if one.status and not timed_out else 0
        if number > attempts or not conditions & (_classes(one) if answered else BROKEN):
            status = answered or (TIMED_OUT if timed_out else UNAVAILABLE)
            return Ending(status, bool(answered), number, elapsed)
        elapsed += pace * wait
        if elapsed >= limit - lag:
            return Ending(TIMED_OUT, False, number, limit)
    raise AssertionError("the back-off has no end")


def _back_off() -> Iterator[float]:
    wait = BACK_OFF
    while True:
        yield wait
        wait = min(2 * wait, BACK_OFF_CAP)


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
