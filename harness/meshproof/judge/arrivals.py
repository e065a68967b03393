"""What pods received of a load, joined by request id and sorted into primaries and mirrors' copies.

The proxy that makes a copy adds its own address to x-forwarded-for, so a copy has passed one proxy more than
its primary. Istio before 1.28 also let Envoy mark its authority: `-shadow` stands after the host and before the
port (https://www.envoyproxy.io/docs/envoy/latest/api-v3/config/route/v3/route_components.proto,
RouteAction.RequestMirrorPolicy; istiod's DISABLE_SHADOW_HOST_SUFFIX).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from typing import Generic, TypeVar

from meshproof.border.books import Books, Received
from meshproof.border.expectation import Expectation, HeaderExpectation
from meshproof.records import dataclass
from meshproof.scenario import Plan

Made = TypeVar("Made")

SHADOW = "-shadow"
FORWARDED = "x-forwarded-for"


@dataclass(frozen=True, slots=True)
class Arrival:
    """A request that a pod received; `workload` is its Deployment (`namespace/name`)."""

    workload: str
    received: Received


@dataclass(frozen=True, slots=True)
class Joined:
    """Arrivals by request id, in the order of time; a primary that was retried arrives more than once.

    `forgotten` is how many more the workloads counted without keeping them.
    """

    primaries: Mapping[str, Sequence[Arrival]]
    copies: Mapping[str, Sequence[Arrival]]
    forgotten: int


@dataclass(frozen=True, slots=True)
class PrimaryTraits:
    """What tells primaries from copies: the authorities that primaries may carry, and the most addresses that
    x-forwarded-for may have in one (`hops`).
    """

    authorities: frozenset[str] = frozenset()
    hops: int = 0


def primary_traits(plan: Plan) -> PrimaryTraits:
    """What the primaries of a plan have; a Service may have a name that ends in -shadow itself."""
    expectations = [expectation for row in plan.stages for expectation in row]
    hops = max(map(hops_of_primary, expectations), default=0)
    return PrimaryTraits(_authorities(expectations), hops)


def hops_of_primary(expectation: Expectation) -> int:
    """How many addresses x-forwarded-for has in a primary: those it was sent with, its client's at a gateway, and
    those that a rule writes; the most, where destinations differ in that.
    """
    request = expectation.request
    sent = hops(request.headers) + bool(request.gateway)
    return max((_rewritten(arm.request_headers, sent) for arm in expectation.arms), default=sent)


def _rewritten(changed: HeaderExpectation, sent: int) -> int:
    if FORWARDED in changed.absent:
        return 0
    return hops(changed.exact) if FORWARDED in dict(changed.exact) else sent + hops(changed.added)


def hops(headers: Iterable[tuple[str, str]]) -> int:
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


def is_shadowed(authority: str, own: Set[str]) -> bool:
    """Whether an authority is that of a copy, where Envoy marks copies; `own` are those of primaries."""
    host, colon, port = authority.rpartition(":")
    name = host if colon and port.isdigit() else authority
    return name.endswith(SHADOW) and authority not in own


def join(books: Books, traits: PrimaryTraits) -> Joined:
    """Sort what all pods received into primaries and copies, each in the order of arrival."""
    arrived: dict[str, list[Arrival]] = {}
    for book in books.pods:
        for received in book.requests:
            arrived.setdefault(received.id, []).append(Arrival(book.workload, received))
    primaries: dict[str, list[Arrival]] = {}
    copies: dict[str, list[Arrival]] = {}
    for id, arrivals in arrived.items():
        arrivals.sort(key=lambda arrival: arrival.received.at)
        # One plan may have requests that enter by a gateway and requests from within the mesh: of several
        # arrivals those that passed the fewest proxies are the primaries.
        least = min(traits.hops, *(hops(one.received.headers) for one in arrivals))
        for arrival in arrivals:
            received = arrival.received
            copy = hops(received.headers) > least or is_shadowed(received.authority, traits.authorities)
            (copies if copy else primaries).setdefault(id, []).append(arrival)
    return Joined(primaries, copies, sum(book.forgotten for book in books.pods))


class ByBooks(Generic[Made]):
    """What is made of the books of a load, once for all trials that share it."""

    def __init__(self, make: Callable[[Books], Made]) -> None:
        self._make = make
        self._known: tuple[Books, Made] | None = None

    def __call__(self, books: Books) -> Made:
        if self._known is None or self._known[0] is not books:
            self._known = books, self._make(books)
        return self._known[1]


def arrivals(plan: Plan) -> ByBooks[Joined]:
    """What pods received of a load of this plan, for all trials of a check."""
    traits = primary_traits(plan)
    return ByBooks(lambda books: join(books, traits))


def by_id(books: Books) -> dict[str, tuple[Received, ...]]:
    """What pods received of each request."""
    found: dict[str, tuple[Received, ...]] = {}
    for book in books.pods:
        for one in book.requests:
            found[one.id] = (*found.get(one.id, ()), one)
    return found


def is_copy(received: Received, expectation: Expectation) -> bool:
    """Whether it is a mirror's copy: it passed one proxy more, or its Host says so."""
    further = hops(received.headers) > hops_of_primary(expectation)
    return further or is_shadowed(received.authority, {expectation.authority})
