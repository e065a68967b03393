"""What a route does beside sending on: faults, retries, mirrors, CORS.

Source: https://istio.io/latest/docs/reference/config/networking/virtual-service/ (HTTPRetry,
HTTPFaultInjection, HTTPMirrorPolicy, CorsPolicy).
"""

from __future__ import annotations

import re
from fractions import Fraction
from http import HTTPStatus

from meshproof.manifest.value import Value
from meshproof.mesh.build.findings import Findings
from meshproof.mesh.build.match import string_match
from meshproof.mesh.build.rules.weights import destination
from meshproof.mesh.model.header_format import FIELD_NAME
from meshproof.mesh.model.topic import Topic
from meshproof.mesh.model.virtual_service import Abort, CorsPolicy, Delay, MatchKind, Mirror, Retries, StringMatch

ALWAYS = Fraction(1)
PER_PERCENT = 10_000
# What istiod takes in retryOn beside the numbers that Go has a text for: https://pkg.go.dev/net/http#StatusText
CONDITIONS = frozenset(
    {
        *("5xx", "gateway-error", "reset", "reset-before-request", "connect-failure", "retriable-4xx"),
        *("refused-stream", "retriable-status-codes", "retriable-headers", "envoy-ratelimited"),
        *("http3-post-connect-failure", "cancelled", "deadline-exceeded", "internal", "resource-exhausted"),
        "unavailable",
    }
)
STATUS_CODES = frozenset({*range(100, 104), *range(200, 209), 226, *range(300, 306), 307, 308, *range(400, 419)}) | (
    frozenset({*range(421, 427), 428, 429, 431, 451, *range(500, 509), 510, 511})
)
NUMBER = re.compile(r"[-+]?[0-9]+", re.ASCII)
GRPC_STATUSES = (
    *("OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS"),
    *("PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED"),
    *("INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED"),
)
LARGEST_STATUS = 599
CORS_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "CONNECT", "OPTIONS", "TRACE", "*"})


def share(value: Value | None, *, missing: Fraction) -> Fraction:
    """A `percentage: {value: 0.5}` as a fraction, cut off to whole millionths: istiod hands Envoy those."""
    if value is None:
        return missing
    found = value.get("value")
    part = found.percent() if found else Fraction(0)
    if found and 0 < part < Fraction(1, 10**6):
        raise found.problem("a percentage is 0 or at least 0.0001", "Envoy draws in millionths")
    # In floating point, as istiod reckons: 0.0003 % are two millionths.
    return Fraction(int(float(part * 100) * PER_PERCENT), 10**6)


def retries(value: Value) -> Retries:
    attempts, timeout, condition = value.get("attempts"), value.get("perTryTimeout"), value.get("retryOn")
    remote, previous, back_off = (
        value.get(name) for name in ("retryRemoteLocalities", "retryIgnorePreviousHosts", "backoff")
    )
    number = attempts.whole() if attempts else 0
    text = _retry_on(condition) if condition else ""
    if not number and (timeout or text or remote):
        raise value.problem("retries without attempts", "istiod refuses it: give attempts, or attempts: 0 alone")
    return Retries(
        number,
        timeout.duration() if timeout else None,
        text,
        value.location,
        back_off.duration() if back_off else None,
        previous.flag() if previous else None,
        remote.flag() if remote else False,
    )


def _retry_on(value: Value) -> str:
    """The conditions, each a word of Envoy or the number of a status; istiod refuses blanks and empty ones."""
    text = value.text()
    for part in text.split(",") if text else ():
        known = int(part) in STATUS_CODES if NUMBER.fullmatch(part) else part in CONDITIONS
        if not known:
            near = part.strip()
            hint = "write the conditions with commas alone between them" if near != part or not near else ""
            raise value.problem(
                f"{part!r} is no condition of retryOn", f"istiod refuses it{': ' + hint if hint else ''}"
            )
    return text


def abort(value: Value, findings: Findings) -> Abort | None:
    kinds = [name for name in ("httpStatus", "grpcStatus", "http2Error") if value.get(name)]
    if "http2Error" in kinds:
        raise value.problem("http2Error is not supported by istiod", "write httpStatus")
    if len(kinds) > 1:
        raise value.problem(f"an abort cannot have both {' and '.join(kinds)}", "keep one of them")
    if not kinds:
        findings.notice(value.location, "an abort without httpStatus or grpcStatus aborts nothing", Topic.NO_EFFECT)
        return None
    if value.get("percentage") is None:
        findings.notice(value.location, "an abort without percentage aborts no request", Topic.NO_EFFECT)
    part = share(value.get("percentage"), missing=Fraction(0))
    given = value.need(kinds[0])
    if kinds == ["httpStatus"]:
        return Abort(part, answered_status(given), value.location)
    if given.text() not in GRPC_STATUSES:
        raise given.problem(f"{given.shown} is no gRPC status", "istiod refuses it: write its name, as in NOT_FOUND")
    return Abort(part, HTTPStatus.OK, value.location, GRPC_STATUSES.index(given.text()))


def answered_status(value: Value) -> int:
    """The status of an answer that the proxy gives itself."""
    # istiod takes one more.
    if value.whole() == LARGEST_STATUS + 1:
        raise value.problem(f"Envoy refuses statuses above {LARGEST_STATUS}", by_envoy=True)
    return value.whole(HTTPStatus.OK, LARGEST_STATUS)


def delay(value: Value, findings: Findings) -> Delay | None:
    if value.get("exponentialDelay"):
        raise value.problem("exponentialDelay is not supported by istiod", "write fixedDelay")
    fixed, old = value.get("fixedDelay"), value.get("percent")
    if fixed is None:
        findings.notice(value.location, "a delay without fixedDelay delays nothing", Topic.NO_EFFECT)
        return None
    if old is None and value.get("percentage") is None:
        findings.notice(value.location, "a delay without percentage delays no request", Topic.NO_EFFECT)
    part = share(value.get("percentage"), missing=Fraction(old.whole(0, 100), 100) if old else Fraction(0))
    return Delay(part, fixed.duration(), value.location)


def mirrors(route: Value, namespace: str) -> tuple[Mirror, ...]:
    """`mirror` with the share that any of its three spellings gives, or `mirrors`; no share is all."""
    found, several = route.get("mirror"), route.list("mirrors")
    if found and several:
        raise found.problem("a route cannot have both mirror and mirrors", "write mirrors alone")
    if found:
        old = route.get("mirrorPercent") or route.get("mirror_percent")
        part = share(
            route.get("mirrorPercentage"), missing=Fraction(old.whole(0, 100), 100) if old is not None else ALWAYS
        )
        return (Mirror(destination(found, namespace), part, found.location, route.get("mirrorPercentage") is None),)
    return tuple(
        Mirror(
            destination(one.need("destination"), namespace),
            share(one.get("percentage"), missing=ALWAYS),
            one.location,
            one.get("percentage") is None,
        )
        for one in several
    )


def cors(value: Value) -> CorsPolicy:
    origins = tuple(_origin(one) for one in value.list("allowOrigins"))
    if not value.get("allowOrigins"):
        origins = tuple(StringMatch(MatchKind.EXACT, one.text(), one.location) for one in value.list("allowOrigin"))
    age, credentials, unmatched = (value.get(name) for name in ("maxAge", "allowCredentials", "unmatchedPreflights"))
    methods, allowed, exposed = (value.list(name) for name in ("allowMethods", "allowHeaders", "exposeHeaders"))
    for method in methods:
        if method.text() not in CORS_METHODS:
            raise method.problem(f"{method.shown} is no method that istiod takes in allowMethods")
    for header in (*allowed, *exposed):
        if header.text() != "*" and not FIELD_NAME.fullmatch(header.text()):
            raise header.problem(f"{header.shown} is not a header name")
    seconds = age.duration() if age else None
    if age and seconds != int(seconds or 0):
        raise age.problem(f"maxAge must be whole seconds, not {age.shown}", "istiod refuses fractions of one")
    return CorsPolicy(
        origins,
        tuple(one.text() for one in methods),
        tuple(one.text() for one in allowed),
        tuple(one.text() for one in exposed),
        seconds,
        credentials.flag() if credentials else None,
        answers_unmatched=bool(unmatched and unmatched.text() == "IGNORE"),
    )


def _origin(value: Value) -> StringMatch:
    found = string_match(value)
    if found.kind is MatchKind.PRESENT or not found.value:
        raise value.problem("an allowed origin is empty", "istiod refuses it: write exact, prefix or regex with a text")
    return found
