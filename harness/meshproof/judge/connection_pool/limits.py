"""What the limits of a connection pool let through, as Istio specifies and Envoy carries out.

https://istio.io/latest/docs/reference/config/networking/destination-rule/#ConnectionPoolSettings
https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/upstream/circuit_breaking

* Over HTTP/1.1 a connection carries one request at a time: `maxConnections` n means n at once.
* A request without a connection waits; `http1MaxPendingRequests` m may, the next is answered 503 immediately. A
  request that waits for its connection to open counts among them.
* `http2MaxRequests` r holds for HTTP/1.1 too: where it is below n, a request beyond r is refused although a
  connection is free.
* Over HTTP/2 a connection carries any number of requests: `http2MaxRequests` alone limits them. Requests wait only
  while a connection opens.
* `maxRequestsPerConnection` q: after q requests a connection is closed.
* `idleTimeout`: a connection that carried no request for so long is closed.
* `maxRetries` R: so many retries at once; the next is not made, and its client gets the first answer.
"""

from __future__ import annotations

from meshproof.border.expectation import Expectation, Pool
from meshproof.border.steps import AtOnce, Blocked, ConcurrentUsers, Failing, OneByOne, Rested, Step
from meshproof.judge.timing import EARLY
from meshproof.records import dataclass

# Istio's default, which istiod sends as retry.go has it: https://istio.io/latest/docs/concepts/traffic-management/#retries
DEFAULT_RETRIES = 2
DEFAULT_RETRY_ON = "connect-failure,refused-stream,unavailable,cancelled"
# Requests at once: so many beyond a limit, and so many where there is none.
BEYOND = 4
UNLIMITED_AT_ONCE = 8
# Requests on one connection where there is no limit.
UNLIMITED_USE = 20
# Seconds. The distances between the times of use and the limit, half of it at least before and `BEYOND_IDLE` after,
# are what a busy machine may add.
SHORTEST_IDLE = 1.0
BEYOND_IDLE = 0.75
RETRIABLE = {"5xx": 503, "gateway-error": 503, "retriable-4xx": 409}


@dataclass(frozen=True, slots=True)
class Reach:
    """The largest limits that are tried: of requests at `once`, of requests on one connection (`uses`), and the
    longest times, in seconds, of an attempt to `connect`, of all of one request until it is `given_up`, and of an
    `idle` connection.
    """

    once: int = 60
    uses: int = 250
    connect: float = 3.0
    given_up: float = 60.0
    idle: float = 5.0


USUAL = Reach()
THOROUGH = Reach(once=2000, uses=10_000, connect=30.0, given_up=600.0, idle=120.0)


@dataclass(frozen=True, slots=True)
class Occupancy:
    """Of requests under way at once, how many a pod holds, how many wait in the proxy, and how many are refused."""

    held: int
    queued: int
    refused: int

    def beside(self, clients: int, full: Occupancy) -> Occupancy:
        """The same beside what so many other clients have under way: each has a pool of its own."""
        return Occupancy(
            self.held + clients * full.held,
            self.queued + clients * full.queued,
            self.refused + clients * full.refused,
        )


def counted(pool: Pool) -> tuple[int | None, int | None, int | None]:
    """The limits of connections, of pending requests and of requests that any number at once can reach."""
    within = pool.http2_max_requests
    return (None, None, within) if pool.multiplexed else (pool.max_connections, pool.http1_max_pending_requests, within)


def occupancy(pool: Pool, size: int) -> Occupancy:
    """How many of `size` requests at once the pool lets through."""
    n, m, r = counted(pool)
    if r is not None and (n is None or r < n):
        held = min(size, r)
        return Occupancy(held, 0, size - held)
    held = size if n is None else min(size, n)
    queued = size - held if m is None else min(size - held, m)
    return Occupancy(held, queued, size - held - queued)


def capacity(pool: Pool) -> int | None:
    """The most requests at once of which none is refused; None when nothing limits them."""
    n, m, r = counted(pool)
    if r is not None and (n is None or r < n):
        return r
    return None if n is None or m is None else n + m


def most_at_once(pool: Pool) -> int | None:
    """The most that a pod may have under way; None when nothing limits it."""
    n, _, r = counted(pool)
    return min((limit for limit in (n, r) if limit is not None), default=None)


def never_trips(pool: Pool, users: int) -> bool:
    """Whether so many users are surely below the limits.

    Each of them may be waiting for a connection to open, which counts among the pending: so it takes
    as many pending requests as users, not n + m.
    """
    limits = (pool.http1_max_pending_requests, pool.http2_max_requests)
    return all(limit is None or users <= limit for limit in limits)


def first_failure(expectation: Expectation) -> int:
    """A status on which a retry is specified; 0 when none is on any status."""
    retries = expectation.retries
    if retries is None or retries.attempts < 1:
        return 0
    for condition in retries.retry_on.split(","):
        word = condition.strip()
        if word in RETRIABLE:
            return RETRIABLE[word]
        if word.isdecimal() and 400 <= int(word) <= 599:
            return int(word)
    return 0


def connect_attempts(expectation: Expectation) -> int:
    """How many attempts to connect are made for one request."""
    retries = expectation.retries
    if retries is None:
        return 1 + DEFAULT_RETRIES
    conditions = [word.strip() for word in (retries.retry_on or DEFAULT_RETRY_ON).split(",")]
    return 1 + retries.attempts if "connect-failure" in conditions else 1


def at_once(pool: Pool) -> int | None:
    """The most requests at once that show what a pool lets through; None when nothing limits them."""
    most = capacity(pool)
    return counted(pool)[0] if most is None else most


def uses(limit: int) -> tuple[OneByOne, ...]:
    """Requests one by one that show where one connection ends and the next begins."""
    return tuple(OneByOne(count) for count in (limit, 1, limit - 1, 1) if count)


def steps(
    pool: Pool,
    expectation: Expectation,
    concurrent_users: tuple[int, ...],
    requests: int,
    *,
    fresh: bool,
    reach: Reach = USUAL,
) -> tuple[Step, ...]:
    """The steps that show each limit; those that need a pool without connections (`fresh`) come first."""
    wanted: list[Step] = []
    per = pool.max_requests_per_connection
    if fresh and pool.connect_timeout is not None and not _unproved_connect(pool, expectation, reach):
        wanted.append(Blocked())
    if fresh and per is None:
        wanted.append(OneByOne(UNLIMITED_USE))
        # Only now there is one connection, and no other.
        if pool.idle_timeout is not None and SHORTEST_IDLE <= pool.idle_timeout <= reach.idle:
            wanted += [
                Rested(pool.idle_timeout / 2, pool.idle_timeout - EARLY),
                Rested(pool.idle_timeout + BEYOND_IDLE),
            ]
    elif fresh and per is not None and per <= reach.uses:
        wanted += uses(per)
    most, shown = capacity(pool), at_once(pool)
    if most is None:
        beyond = shown + BEYOND if shown is not None and shown <= reach.once else 0
        wanted.append(AtOnce(max(UNLIMITED_AT_ONCE, beyond)))
    elif most <= reach.once:
        # The second time shows that what was refused has left nothing behind.
        wanted += [AtOnce(most + BEYOND), AtOnce(most + 1)]
    fails = first_failure(expectation)
    if fails and most is None and not _unproved_retries(pool, expectation, reach) and pool.max_retries is not None:
        wanted += [AtOnce(pool.max_retries + BEYOND, fails), AtOnce(pool.max_retries + 1, fails), Failing(fails)]
    wanted += [ConcurrentUsers(users, requests) for users in concurrent_users]
    return tuple(wanted)


def unproved(pool: Pool, expectation: Expectation, reach: Reach = USUAL) -> str:
    """Why a limit cannot be shown by any step; empty when all can."""
    n, m, r = counted(pool)
    most = at_once(pool)
    if why := _unproved_over_http2(pool):
        return why
    if r is not None and n is not None and r >= n:
        return f"http2MaxRequests {r} is never reached behind maxConnections {n}"
    if r is not None and (n is not None or m is not None):
        hidden = f"maxConnections {n}" if n is not None else f"http1MaxPendingRequests {m}"
        return f"{hidden} is never reached behind http2MaxRequests {r}"
    if m is not None and n is None:
        return f"http1MaxPendingRequests {m} shows only where maxConnections is limited too"
    if why := _unproved_connect(pool, expectation, reach):
        return why
    if (pool.max_requests_per_connection or 0) > reach.uses:
        per = pool.max_requests_per_connection
        return f"maxRequestsPerConnection {per} is more than the {reach.uses} requests sent in turn"
    if why := _unproved_idle(pool, reach):
        return why
    if (most or 0) > reach.once:
        return f"{most} requests at once are more than the {reach.once} that are held at once"
    return _unproved_retries(pool, expectation, reach)


def _unproved_over_http2(pool: Pool) -> str:
    n, m = pool.max_connections, pool.http1_max_pending_requests
    if not pool.multiplexed or (n is None and m is None):
        return ""
    if n is not None:
        return f"maxConnections {n} is never reached: over HTTP/2 one connection carries any number of requests"
    return f"http1MaxPendingRequests {m} shows over HTTP/2 only as long as the first connection is being opened"


def _unproved_connect(pool: Pool, expectation: Expectation, reach: Reach) -> str:
    timeout, attempts = pool.connect_timeout or 0.0, connect_attempts(expectation)
    if timeout > reach.connect:
        return f"a connectTimeout of {timeout:g} s is longer than the {reach.connect:g} s waited for"
    if attempts * timeout > reach.given_up:
        return f"{attempts} attempts, each with a connectTimeout of {timeout:g} s, are not waited for"
    return ""


def _unproved_idle(pool: Pool, reach: Reach) -> str:
    idle, per = pool.idle_timeout, pool.max_requests_per_connection
    if idle is None:
        return ""
    if per is not None:
        return f"idleTimeout {idle:g} s is not told apart from maxRequestsPerConnection {per}"
    if not SHORTEST_IDLE <= idle <= reach.idle:
        return f"an idleTimeout of {idle:g} s is not shown, but one of {SHORTEST_IDLE:g} to {reach.idle:g} s"
    return ""


def _unproved_retries(pool: Pool, expectation: Expectation, reach: Reach) -> str:
    if pool.max_retries is None:
        return ""
    if expectation.arms and expectation.arms[0].policy.retry_budget:
        return f"maxRetries {pool.max_retries} is out of force beside retryBudget"
    if not first_failure(expectation):
        return "maxRetries shows only where a route retries a status that a workload can answer"
    if capacity(pool) is not None:
        return "maxRetries is not told apart from the other limits of the same pool"
    if pool.max_retries > reach.once:
        return f"maxRetries {pool.max_retries} is more than the {reach.once} that are held at once"
    if expectation.retries is not None and expectation.retries.attempts > reach.uses:
        return f"retries.attempts {expectation.retries.attempts} are more than the {reach.uses} that are made in turn"
    return ""
