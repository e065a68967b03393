"""Copies joined to their primaries by request id, from the books of all workloads.

The proxy that makes a copy adds its own address to x-forwarded-for, so a copy has come one proxy further than
its primary. Istio before 1.28 also let Envoy mark its authority: `-shadow` stands after the host and before the
port (https://www.envoyproxy.io/docs/envoy/latest/api-v3/config/route/v3/route_components.proto,
RouteAction.RequestMirrorPolicy; istiod's DISABLE_SHADOW_HOST_SUFFIX).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass

from meshproof.border.books import Books, Received
from meshproof.border.expectation import Expectation
from meshproof.border.request import Request
from meshproof.scenario import Plan

SHADOW = "-shadow"
FORWARDED = "x-forwarded-for"

# What the proxy that makes a copy writes into it, and into the primary on its own way: its mark, where
# it came from, the number of the attempt, and the span of a trace.
PROXYS_OWN = frozenset(
    {
        "host",
        "x-envoy-internal",
        "x-forwarded-for",
        "x-envoy-attempt-count",
        "traceparent",
        "tracestate",
        "b3",
        "x-b3-traceid",
        "x-b3-spanid",
        "x-b3-parentspanid",
        "x-b3-sampled",
    }
)


@dataclass(frozen=True, slots=True)
class Arrival:
    """A request where it arrived: `workload` is the Deployment's key."""

    workload: str
    received: Received


@dataclass(frozen=True, slots=True)
class Joined:
    """Arrivals by request id; a primary that was retried arrives more than once. `forgotten` are in no list."""

    primaries: Mapping[str, Sequence[Arrival]]
    copies: Mapping[str, Sequence[Arrival]]
    forgotten: int


@dataclass(frozen=True, slots=True)
class Primaries:
    """How primaries look: the authorities that they may carry, and the most proxies that they tell of."""

    authorities: frozenset[str] = frozenset()
    hops: int = 0


def primaries(plan: Plan) -> Primaries:
    """How the primaries of a plan look; a Service may be called something-shadow itself."""
    expectations = [expectation for row in plan.stages for expectation in row]
    return Primaries(_authorities(expectations), max((entered(one.request) for one in expectations), default=0))


def entered(request: Request) -> int:
    """How many addresses x-forwarded-for has in a primary: those it was sent with, and its client's at a gateway."""
    return forwarded(request.headers) + bool(request.gateway)


def forwarded(headers: Iterable[tuple[str, str]]) -> int:
    """How many addresses x-forwarded-for has."""
    return sum(len(value.split(",")) for name, value in headers if name.lower() == FORWARDED and value.strip())


def _authorities(expectations: Sequence[Expectation]) -> frozenset[str]:
    own = {expectation.authority for expectation in expectations}
    for expectation in expectations:
        for arm in expectation.arms:
            own |= {value for name, value in arm.request_headers.exact if name == "host"}
    return frozenset(own)


def shadowed(authority: str) -> str:
    """The authority of a copy of a request with this one."""
    host, colon, port = authority.rpartition(":")
    return f"{host}{SHADOW}:{port}" if colon and port.isdigit() else f"{authority}{SHADOW}"


def is_marked(authority: str, own: Set[str]) -> bool:
    """Whether an authority is that of a copy, where Envoy marks copies."""
    host, colon, port = authority.rpartition(":")
    name = host if colon and port.isdigit() else authority
    return name.endswith(SHADOW) and authority not in own


def join(books: Books, expected: Primaries) -> Joined:
    """Sort what all pods received into primaries and copies, each in the order of arrival."""
    arrived: dict[str, list[Arrival]] = {}
    for book in books.pods:
        for received in book.requests:
            arrived.setdefault(received.id, []).append(Arrival(book.workload, received))
    primaries: dict[str, list[Arrival]] = {}
    copies: dict[str, list[Arrival]] = {}
    for id, arrivals in arrived.items():
        arrivals.sort(key=lambda arrival: arrival.received.at)
        # Requests that enter by a gateway and such that do not may stand in one plan; of several arrivals those
        # that came by the fewest proxies are the primaries.
        least = min(expected.hops, *(forwarded(one.received.headers) for one in arrivals))
        for arrival in arrivals:
            received = arrival.received
            copy = forwarded(received.headers) > least or is_marked(received.authority, expected.authorities)
            (copies if copy else primaries).setdefault(id, []).append(arrival)
    return Joined(primaries, copies, sum(book.forgotten for book in books.pods))


def alteration(primary: Received, copy: Received) -> str:
    """What of a copy differs from its primary beyond what the proxy itself writes; empty when nothing does."""
    if copy.digest != primary.digest:
        return "another body"
    if copy.method != primary.method:
        return f"the method {copy.method} instead of {primary.method}"
    if copy.path != primary.path:
        return f"the path {copy.path[:100]!r} instead of {primary.path[:100]!r}"
    if copy.authority not in (primary.authority, shadowed(primary.authority)):
        return f"the Host {copy.authority[:100]!r} instead of {primary.authority!r}"
    ours, theirs = _headers(primary), _headers(copy)
    names = sorted(name for name in ours.keys() | theirs.keys() if ours.get(name) != theirs.get(name))
    if names:
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        return f"other headers ({', '.join(names[:3])}{more})"
    return ""


def _headers(received: Received) -> dict[str, list[str]]:
    """The values of each header that is not the proxy's own, in their order."""
    found: dict[str, list[str]] = {}
    for name, value in received.headers:
        if (lower := name.lower()) not in PROXYS_OWN:
            found.setdefault(lower, []).append(value)
    return found
