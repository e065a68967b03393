"""What header changes come to at a proxy that has headers of its own to keep.

Measured: an empty value changes nothing; `server` is always Envoy's own, a `date` that was removed is written again;
what belongs to a connection is written by whoever holds it; instructions to Envoy are taken out before a pod sees them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from meshproof.border.expectation import Arm, Expectation, HeaderExpectation
from meshproof.border.request import OF_CONNECTIONS, Request
from meshproof.mesh.model.virtual_service import HeaderChange, HeaderChanges, Headers, HttpRoute
from meshproof.mesh.predict.header_effect import Untold
from meshproof.mesh.predict.proxy.formatted import formatted
from meshproof.mesh.predict.proxy.seen import FORWARDED_FOR, Seen, Values
from meshproof.records import dataclass

# What the router itself carries out, and takes out of the request then.
CONSUMED = frozenset(
    {
        *("x-envoy-retry-on", "x-envoy-retry-grpc-on", "x-envoy-max-retries", "x-envoy-retriable-status-codes"),
        *("x-envoy-retriable-header-names", "x-envoy-upstream-rq-per-try-timeout-ms"),
        *("x-envoy-hedge-on-per-try-timeout", "x-envoy-upstream-rq-timeout-alt-response"),
        "x-envoy-upstream-stream-duration-ms",
    }
)
# What the proxy beside a pod may remove or write anew.
REWRITTEN_FURTHER_ON = frozenset(
    {
        *("connection", "keep-alive", "proxy-connection", "te", "upgrade", "expect", "content-length", "grpc-timeout"),
        *("transfer-encoding", "x-forwarded-client-cert", "x-envoy-attempt-count", "x-envoy-internal"),
        *("x-envoy-expected-rq-timeout-ms", "x-envoy-upstream-rq-timeout-ms", "x-envoy-force-trace"),
        *("x-envoy-upstream-alt-stat-name", "x-envoy-ip-tags", "x-envoy-original-url"),
        # Where a path or a Host is rewritten these keep what it was.
        *("x-envoy-original-path", "x-envoy-original-host"),
    }
)
OF_ANSWERS = frozenset({"server", "connection", "proxy-connection", "upgrade", "transfer-encoding", "content-length"})
# Their values decide more: how a request goes on and how its copies are told, and what an answer says.
STEERING = CONSUMED | REWRITTEN_FURTHER_ON | {FORWARDED_FOR, "x-forwarded-proto", "content-type", "host", ":authority"}
STEERING_ANSWERS = frozenset({"location", "content-length", "content-type", "grpc-status", "grpc-message"})
# Changing these leaves it to chance where a message ends.
FRAMING = frozenset({"content-length", "transfer-encoding"})
# Another limit than the route's, which counts when a rule gives it; and what is answered where a limit is reached.
NOT_MODELLED, OF_TIMEOUTS = (
    frozenset({"x-envoy-upstream-stream-duration-ms"}),
    "x-envoy-upstream-rq-timeout-alt-response",
)
INSTRUCTING = CONSUMED - NOT_MODELLED - {OF_TIMEOUTS}
EXPECTED = "x-envoy-expected-rq-timeout-ms"
UNCHANGED = HeaderChanges()
NOTHING = HeaderExpectation()
NONE: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Resolved:
    """A route whose header values are written out for one request; `undecided` says what of them is not known."""

    route: HttpRoute
    undecided: str = ""


def is_unchanged(route: HttpRoute) -> bool:
    """Whether a route changes no header."""
    return route.headers == UNCHANGED and all(one.headers == UNCHANGED for one in route.destinations)


def is_formatted(route: HttpRoute) -> bool:
    """Whether a header value of a route may differ from request to request."""
    every = [route.headers, *(one.headers for one in route.destinations)]
    changes = [change for one in every for change in (one.request, one.response)]
    return any("%" in text for change in changes for _, text in (*change.set, *change.add))


def forbidden(route: HttpRoute, arms: Iterable[Arm], request: Request) -> str:
    """Why it is the pods' matter whether they take what a route makes of a request; empty where they take it."""
    if is_unchanged(route) or not any(one.policy.upstream.is_http2(call=request.is_call) for one in arms if one.share):
        return ""
    changes = (one.headers.request for one in route.destinations)
    given = {name for one in (route.headers.request, *changes) for name, _ in (*one.set, *one.add)}
    wrong = min(given & OF_CONNECTIONS - {"expect"}, default="")
    return wrong and f"its rule gives requests the header {wrong}, which HTTP/2 forbids"


def answered_otherwise(route: HttpRoute, *limits: float | None) -> str:
    """Why it is not known what a request is answered whose time runs out; empty where it is, or has no limit."""
    every = [route.headers, *(one.headers for one in route.destinations)]
    told = any(name == OF_TIMEOUTS for one in every for name, _ in (*one.request.set, *one.request.add))
    return f"{OF_TIMEOUTS} instructs Envoy, which is not modelled" if told and any(limits) else ""


def resolved(route: HttpRoute, request: Seen) -> Resolved:
    """The route with every header value as it comes out for a request; an empty one is no change."""
    every = [route.headers, *(one.headers for one in route.destinations)]
    if is_unchanged(route):
        return Resolved(route)
    changed = frozenset(
        name
        for one in every
        for change in (one.request, one.response)
        for name in (*dict(change.set), *dict(change.add), *change.remove)
    )
    unknown: list[str] = []

    def plain(headers: Headers, steering: frozenset[str]) -> Headers:
        found: list[tuple[str, str]] = []
        for name, text in headers:
            # The Host is no format.
            value = text if name in (":authority", "host") else formatted(text, request, changed)
            if value is None and name not in steering:
                found.append((name, Untold(text)))
            elif value is None:
                unknown.append(f"the value of {name}, {text!r}, is not known beforehand")
            elif value:
                # Blanks at either end are no part of a value once it has been sent.
                found.append((name, value.strip(" \t")))
        return tuple(found)

    def written(changes: HeaderChanges) -> HeaderChanges:
        # What is redirected or answered directly goes on to nobody.
        going_on = changes.request if route.destinations else HeaderChange()
        one, other = (
            HeaderChange(plain(change.set, steering), plain(change.add, steering), change.remove)
            for change, steering in ((going_on, STEERING), (changes.response, STEERING_ANSWERS))
        )
        return HeaderChanges(one, other)

    targets = tuple(replace(one, headers=written(one.headers)) for one in route.destinations)
    found = replace(route, headers=written(route.headers), destinations=targets)
    return Resolved(found, next(iter((*unknown, *_risks(route))), ""))


def _risks(route: HttpRoute) -> list[str]:
    """Changes whose outcome is not modelled."""
    if not route.destinations:
        return []
    every = [route.headers, *(one.headers for one in route.destinations)]
    requests = {name for one in every for name in (*dict(one.request.set), *dict(one.request.add))}
    answers = {name for one in every for name in (*dict(one.response.set), *dict(one.response.add))}
    found = [f"{name} is changed, by which a message is framed" for name in sorted(requests & FRAMING)]
    found += [f"{name} is changed, by which a message is framed" for name in sorted(answers & {"content-length"})]
    found += [f"{name} instructs Envoy, which is not modelled" for name in sorted(requests & NOT_MODELLED)]
    changed = requests | {name for one in every for name in one.request.remove}
    found += [f"{EXPECTED} is changed, which tells pods how long their client waits"] if EXPECTED in changed else []
    if route.mirrors and FORWARDED_FOR in changed:
        found.append(f"{FORWARDED_FOR} is changed, by which a mirror's copies are told from other requests")
    drawn = [one.headers.request for one in route.destinations if one.weight]
    if len(route.destinations) > 1 and len({_instructions(one) for one in drawn}) > 1:
        found.append("its destinations instruct Envoy differently, which is not modelled")
    return found


def _instructions(change: HeaderChange) -> tuple[Headers, Headers, tuple[str, ...]]:
    named = [tuple(pair for pair in headers if pair[0] in INSTRUCTING) for headers in (change.set, change.add)]
    return named[0], named[1], tuple(name for name in change.remove if name in INSTRUCTING)


def dropped(request: Request, found: Seen) -> frozenset[str]:
    """The headers of a request that its proxy removes or rewrites, or that a proxy further on may."""
    if not request.headers:
        return NONE
    sent: dict[str, list[str]] = {}
    for name, value in request.headers:
        sent.setdefault(name.lower(), []).append(value.strip(" \t"))
    kept = {name for name, values in sent.items() if _joined(found.headers.get(name, ())) == ",".join(values)}
    return frozenset(name for name in sent if name not in kept or name in CONSUMED | REWRITTEN_FURTHER_ON) or NONE


def _joined(values: Values) -> str | None:
    """The values joined by commas; None where there are none, or one of them is not known."""
    known = [one for one in values if isinstance(one, str)]
    return ",".join(known) if known and len(known) == len(values) else None


def at_pods(expected: HeaderExpectation) -> HeaderExpectation:
    """What of request header changes a pod must see."""
    if expected == NOTHING:
        return expected
    kept = _without(expected, CONSUMED | REWRITTEN_FURTHER_ON)
    touched = {name for name, _ in expected.exact + expected.added}
    return replace(kept, absent=(*kept.absent, *sorted(touched & CONSUMED)))


def at_clients(expected: HeaderExpectation) -> HeaderExpectation:
    """What of response header changes a client must see."""
    if expected == NOTHING:
        return expected
    kept = _without(expected, OF_ANSWERS)
    return replace(kept, absent=tuple(name for name in kept.absent if name != "date"))


def over_http2(found: Expectation) -> Expectation:
    """The expectation of a client that speaks HTTP/2, in which no answer has headers of its connection."""
    arms = tuple(replace(one, response_headers=_without(one.response_headers, OF_CONNECTIONS)) for one in found.arms)
    return replace(found, arms=arms, headers=_without(found.headers, OF_CONNECTIONS))


def _without(expected: HeaderExpectation, names: frozenset[str]) -> HeaderExpectation:
    return HeaderExpectation(
        tuple(pair for pair in expected.exact if pair[0] not in names),
        tuple(pair for pair in expected.added if pair[0] not in names),
        tuple(name for name in expected.absent if name not in names),
        tuple(pair for pair in expected.untold if pair[0] not in names),
    )
