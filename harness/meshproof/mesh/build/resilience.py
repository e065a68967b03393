"""What a route does beside sending on: faults, retries, mirrors, CORS.

Source: https://istio.io/latest/docs/reference/config/networking/virtual-service/ (HTTPRetry,
HTTPFaultInjection, HTTPMirrorPolicy, CorsPolicy).
"""

from __future__ import annotations

from fractions import Fraction

from meshproof.manifest.value import Value
from meshproof.mesh.build.match import string_match
from meshproof.mesh.build.weights import destination
from meshproof.mesh.build.findings import Findings
from meshproof.mesh.model.virtual_service import Abort, CorsPolicy, Delay, MatchKind, Mirror, Retries, StringMatch

ALWAYS = Fraction(1)
PER_PERCENT = 10_000
RETRIES_SET_TO_0 = ("perTryTimeout", "retryOn", "retryRemoteLocalities")


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


def retries(value: Value, findings: Findings) -> Retries:
    findings.unmodelled(value, "retryRemoteLocalities", "retryIgnorePreviousHosts", "backoff")
    attempts, timeout, condition = value.get("attempts"), value.get("perTryTimeout"), value.get("retryOn")
    number = attempts.whole() if attempts else 0
    if not number and any(value.get(name) for name in RETRIES_SET_TO_0):
        raise value.problem("retries without attempts", "istiod refuses it: give attempts, or attempts: 0 alone")
    return Retries(
        number, timeout.duration() if timeout else None, condition.text() if condition else "", value.location
    )


def abort(value: Value, findings: Findings) -> Abort | None:
    if value.get("http2Error"):
        raise value.problem("http2Error is not supported by istiod", "write httpStatus")
    findings.unmodelled(value, "grpcStatus")
    status = value.get("httpStatus")
    if status is None:
        return None
    if value.get("percentage") is None:
        findings.notice(value.location, "an abort without percentage aborts no request")
    return Abort(share(value.get("percentage"), missing=Fraction(0)), status.whole(200, 600), value.location)


def delay(value: Value, findings: Findings) -> Delay | None:
    if value.get("exponentialDelay"):
        raise value.problem("exponentialDelay is not supported by istiod", "write fixedDelay")
    fixed, old = value.get("fixedDelay"), value.get("percent")
    if fixed is None:
        findings.notice(value.location, "a delay without fixedDelay delays nothing")
        return None
    if old is None and value.get("percentage") is None:
        findings.notice(value.location, "a delay without percentage delays no request")
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


def cors(value: Value, findings: Findings) -> CorsPolicy:
    findings.unmodelled(value, "unmatchedPreflights")
    origins = tuple(string_match(one) for one in value.list("allowOrigins"))
    if not value.get("allowOrigins"):
        origins = tuple(StringMatch(MatchKind.EXACT, one.text(), one.location) for one in value.list("allowOrigin"))
    age, credentials = value.get("maxAge"), value.get("allowCredentials")
    methods, allowed, exposed = (
        tuple(one.text() for one in value.list(name)) for name in ("allowMethods", "allowHeaders", "exposeHeaders")
    )
    return CorsPolicy(
        origins,
        methods,
        allowed,
        exposed,
        age.duration() if age else None,
        credentials.flag() if credentials else None,
    )
